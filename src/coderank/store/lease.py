"""Who may open an index folder now: one process at a time, with a queue that the holder can see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from coderank.errors import WRITABLE, IndexBusyError, IndexNotWritableError

if TYPE_CHECKING:
    from pathlib import Path

POLL_S = 0.01
"""How often a waiter looks again: a hundredth of what a person notices, and 0.3 % of a core."""


class Lease:
    """Exclusive use of a folder, for as long as nobody else asks.

    ``owner.lock`` is held by the user of the folder, ``queue.lock`` by the one process that is next. A process that
    released the folder queues like any other, so a tight loop cannot starve a waiter. Both are locks of the operating
    system: they vanish with their process, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = _lock(folder / "owner.lock")
        self._queue = _lock(folder / "queue.lock")

    @property
    def held(self) -> bool:
        """Whether this object has the folder."""
        return self._owner.is_locked

    def acquire(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for the folder; create it where it is missing.

        Raises IndexBusyError when nobody hands over in time, IndexNotWritableError where no lock can be taken.
        """
        deadline = time.monotonic() + timeout
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._queue.acquire(timeout=timeout, poll_interval=POLL_S):
                self._owner.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=POLL_S)
        except Timeout as error:
            raise IndexBusyError(
                f"Another process did not hand over the index at {self._folder} within {timeout:g} s",
                "Wait for it to finish, or end it, then run the command again",
            ) from error
        except OSError as error:
            raise IndexNotWritableError(
                f"Cannot lock the index at {self._folder}: {error.strerror or error}", WRITABLE
            ) from error

    def release(self) -> None:
        """Give the folder up; without effect when it is not held."""
        self._owner.release()

    def wanted(self) -> bool:
        """Whether another process waits for the folder."""
        try:
            with self._queue.acquire(timeout=0):
                return False
        except Timeout:
            return True


def _lock(file: Path) -> FileLock:
    # Not a singleton: two stores of one process must exclude each other like two processes do. Not thread-local: the
    # thread that watches an idle store releases what another thread acquired.
    return FileLock(file, thread_local=False, is_singleton=False)
