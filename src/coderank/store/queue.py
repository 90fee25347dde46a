"""Processes in the order in which they came: the turn of one that died passes on by itself."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 0.01
"""How often a waiter looks again: a hundredth of what a person notices, and 1 % of a core."""
QUICK_S = 0.001
"""How often to look whether the line itself is free: it is held for less."""
PATIENCE_S = 1.0
"""How long to wait for it when leaving: a process that was stopped while it held it must not hold up others."""
FOLDER = "queue"
_TICKET = re.compile(r"\d{9}-(read|write)")


class Queue:
    """A line of processes for one folder, of which those that only read may go side by side.

    Each holds a ticket: a file of a number and of what it wants, locked for as long as its process waits and lives.
    ``queue.lock`` is held while tickets are written and while those of the dead are taken away, never while waiting.
    """

    def __init__(self, folder: Path) -> None:
        self._tickets = folder / FOLDER
        self._mutex = file_lock(folder / "queue.lock")

    @contextmanager
    def turn(self, *, reads: bool, until: float) -> Iterator[None]:
        """Wait until everyone before has had his turn; for one that reads, everyone who writes.

        ``until`` is a moment of ``time.monotonic``. Raises filelock.Timeout after it.
        """
        ticket = self._joined("read" if reads else "write", until)
        try:
            while ticket and self._is_before(ticket, reads=reads):
                if time.monotonic() >= until:
                    raise Timeout(str(ticket.lock_file))
                time.sleep(POLL_S)
            yield
        finally:
            if ticket:
                self._leave(ticket)

    def waits(self, *, to_write: bool) -> bool:
        """Whether somebody waits, or waits to write."""
        return self._lives(self._names(to_write=to_write))

    def _joined(self, wants: str, until: float) -> FileLock | None:
        """Take a ticket. None where there is no room for one: whoever comes without waits for the folder alone."""
        with suppress(OSError), self._mutex.acquire(timeout=max(0.0, until - time.monotonic()), poll_interval=QUICK_S):
            self._tickets.mkdir(exist_ok=True)
            last = max((int(name[:9]) for name in self._names()), default=0)
            ticket = file_lock(self._tickets / f"{last + 1:09}-{wants}")
            ticket.acquire(timeout=0)
            return ticket
        return None

    def _leave(self, ticket: FileLock) -> None:
        try:
            # Both under the mutex, so that nobody takes the number anew in between and loses his ticket.
            if not self._tickets.exists():
                return  # the index was deleted: nothing is made there
            with self._mutex.acquire(timeout=PATIENCE_S, poll_interval=QUICK_S):
                ticket.release()
                Path(ticket.lock_file).unlink(missing_ok=True)
        except (OSError, Timeout):
            pass  # whoever comes next takes it away
        finally:
            ticket.release()

    def _is_before(self, ticket: FileLock, *, reads: bool) -> bool:
        """Whether somebody lives whose turn comes before that of a ticket."""
        return self._lives([name for name in self._names(to_write=reads) if name < _name(ticket)])

    def _names(self, *, to_write: bool = False) -> list[str]:
        try:
            names = sorted(file.name for file in self._tickets.iterdir() if _TICKET.fullmatch(file.name))
        except OSError:  # there was never anybody
            return []
        return [name for name in names if name.endswith("write")] if to_write else names

    def _lives(self, names: list[str]) -> bool:
        """Whether one of these tickets is of a process that lives; those of the dead before it are taken away."""
        if not names:
            return False
        try:
            with self._mutex.acquire(timeout=0):
                return any(_is_held(self._tickets / name) for name in names)
        except (OSError, Timeout):  # somebody is at work in the line, so it is not empty; or it cannot be told
            return True


def file_lock(file: Path) -> FileLock:
    """Make a lock that vanishes with its process, however that ends."""
    # Not a singleton: two stores of one process must exclude each other like two processes do. Not thread-local: the
    # thread that watches an idle store releases what another thread acquired.
    return FileLock(file, thread_local=False, is_singleton=False)


def _name(ticket: FileLock) -> str:
    return Path(ticket.lock_file).name


def _is_held(file: Path) -> bool:
    if not file.exists():
        return False
    lock = file_lock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    file.unlink(missing_ok=True)
    return False
