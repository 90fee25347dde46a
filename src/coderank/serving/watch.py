"""Whether anything in the folders of a tree has changed, asked of the kernel instead of looking at every file.

Linux queues an event before the call that changes a file returns (inotify(7)), so that a question which comes after a
change finds it in the queue: nothing is missed by being early. Elsewhere there is no watch, and every question looks.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TRUST_S = 5.0
"""How long a quiet queue is believed. It does not tell of other machines on a network file system, of files written
through a memory map or under another name, or of ignore rules outside of the tree."""
MAX_FOLDERS = 50_000
"""Beyond this the tree is looked at as if there were no watch: a watch takes a KB of the kernel's memory."""
_FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0) if sys.platform == "linux" else 0
_ATTRIB, _MODIFY, _CLOSE_WRITE, _MOVED, _CREATE, _DELETE, _SELF = 0x4, 0x2, 0x8, 0xC0, 0x100, 0x200, 0xC00
_ONLY_FOLDERS = 0x01000000
_EVENTS = _ATTRIB | _MODIFY | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _SELF | _ONLY_FOLDERS
_BUFFER = 1 << 16


class Watch:
    """Watches the folders that one look at a tree saw, until the next look. Safe among threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch nothing yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._library = _library()
        self._queue: int | None = None
        self._folders = 0
        self._looked_at: float | None = None
        self._failed = False

    def begin(self) -> float:
        """Say that the tree is about to be looked at, and return the moment: `seen` its folders, then `done`."""
        with self._lock:
            self._looked_at = None
            self._failed, self._folders = False, 0
            if self._library is not None and self._queue is None:
                queue = self._library.inotify_init1(_FLAGS)
                self._queue = queue if queue >= 0 else None
            self._drained()
            return self._clock()

    def seen(self, folder: str) -> None:
        """Watch a folder from now on. To be called before it is listed, so that nothing falls in between."""
        with self._lock:
            self._folders += 1
            if self._library is None or self._queue is None or self._folders > MAX_FOLDERS:
                self._failed = True
            elif self._library.inotify_add_watch(self._queue, os.fsencode(folder), _EVENTS) < 0:
                self._failed = True  # gone meanwhile, not readable, or there are too many watches

    def done(self, moment: float) -> None:
        """Say that the look which began at ``moment`` has found everything."""
        with self._lock:
            if self._queue is not None and self._folders and not self._failed:
                self._looked_at = moment

    def quiet(self) -> bool:
        """Tell whether nothing has changed since the last look, as far as that can be known and trusted."""
        with self._lock:
            if self._looked_at is None or self._clock() - self._looked_at > TRUST_S:
                return False
            if self._drained():
                self._looked_at = None
                return False
            return True

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            queue, self._queue = self._queue, None
            self._looked_at = None
        if queue is not None:
            os.close(queue)

    def _drained(self) -> bool:
        """Take all events out of the queue, and tell whether there were any."""
        found = False
        while self._queue is not None:
            try:
                if not os.read(self._queue, _BUFFER):
                    break
            except BlockingIOError:
                break
            found = True
        return found


def _library() -> ctypes.CDLL | None:
    """The C library where it can watch."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "inotify_init1") else None
