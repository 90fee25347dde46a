"""Who may open an index folder now: one process that writes, or any number that read, in the order of their coming."""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from coderank.errors import WRITABLE, IndexBusyError, IndexNotFoundError, IndexNotWritableError
from coderank.store.queue import POLL_S, Queue, file_lock

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

_TAKEN = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})


class Lease:
    """Use of a folder, exclusive or shared with others that share it, for as long as nobody else asks.

    ``owner.lock`` is held by the users of the folder, a ticket of the `Queue` by whoever waits for it. A process that
    released the folder queues like any other, so a tight loop cannot starve a waiter. All are locks of the operating
    system: they vanish with their process, however it ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = _OwnerLock(folder / "owner.lock")
        self._queue = Queue(folder)
        self.shared = False
        """Whether it is held, or was held last, beside others."""

    @property
    def held(self) -> bool:
        """Whether this object has the folder."""
        return self._owner.held

    def acquire(self, timeout: float, *, shared: bool = False, since: float | None = None) -> None:
        """Wait for the folder, up to ``timeout`` seconds from now or from ``since``; create it where it is missing.

        Raises IndexBusyError when nobody hands over in time, IndexNotWritableError where no lock can be taken,
        IndexNotFoundError where the folder was deleted meanwhile.
        """
        until = (time.monotonic() if since is None else since) + timeout
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._queue.waits(to_write=shared) or not self._owner.take(shared=shared):
                self._await_turn(shared, until)
        except Timeout as error:
            raise IndexBusyError(
                f"Another process did not hand over the index at {self._folder} within {timeout:g} s",
                "Wait for it to finish, or end it, then run the command again",
            ) from error
        except FileNotFoundError as error:
            raise IndexNotFoundError(f"The index at {self._folder} was deleted meanwhile", "Ask again") from error
        except OSError as error:
            raise IndexNotWritableError(
                f"Cannot lock the index at {self._folder}: {error.strerror or error}", WRITABLE
            ) from error
        self.shared = shared

    def share(self) -> bool:
        """Let others that read in beside this one, which had it alone; whether it has it still."""
        self.shared = True
        return self._owner.share()

    def release(self) -> None:
        """Give the folder up; without effect when it is not held."""
        self._owner.release()

    def wanted(self) -> bool:
        """Whether another process waits for this one to give the folder up."""
        return self._queue.waits(to_write=self.shared)

    def _await_turn(self, shared: bool, until: float) -> None:  # noqa: FBT001 - as in acquire
        try:
            with self._queue.turn(reads=shared, until=until):
                self._await_owner(shared, until)
        except BaseException:
            self._owner.release()  # an interruption may come when it has just been taken
            raise

    def _await_owner(self, shared: bool, until: float) -> None:  # noqa: FBT001 - as in acquire
        while not self._owner.take(shared=shared):
            if time.monotonic() >= until:
                raise Timeout(str(self._folder))
            time.sleep(POLL_S)


class _OwnerLock:
    """A lock of the operating system that is taken exclusively or, where there are such, shared."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._handle: int | None = None
        self._exclusive: FileLock = file_lock(file)
        """Used where there are no shared locks."""

    @property
    def held(self) -> bool:
        return self._handle is not None or self._exclusive.is_locked

    def take(self, *, shared: bool) -> bool:
        """Take it if it is free. Raises OSError where it cannot be locked."""
        if sys.platform == "win32":
            try:
                self._exclusive.acquire(timeout=0)
            except Timeout:
                return False
            return True
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            # Else the folder was deleted and made anew since the file was opened, and others lock the new one.
            taken = os.path.samestat(os.fstat(handle), self._file.stat())
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN or isinstance(error, FileNotFoundError):
                return False
            raise  # also where the file system has no locks: the engine needs them as well
        if taken:
            self._handle = handle
        else:
            os.close(handle)
        return taken

    def share(self) -> bool:
        """Make it a shared one, which may fail and lose it."""
        if sys.platform == "win32" or self._handle is None:
            return self.held
        try:
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            self.release()
        return self.held

    def release(self) -> None:
        """Give it up; without effect when it is not held."""
        if self._handle is not None:
            if sys.platform != "win32":
                fcntl.flock(self._handle, fcntl.LOCK_UN)
            os.close(self._handle)
            self._handle = None
        self._exclusive.release()
