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
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRUST_S = 5.0
"""How long a quiet queue is believed. It does not tell of other machines on a network file system, of files written
through a memory map or under another name, or of ignore rules outside of the tree."""
RENEW_S = TRUST_S / 2
"""How old the last look may be before the next one is begun behind the answers: where questions come all the time, none
of them waits for it."""
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
        self._failed = self._changed = False

    @contextmanager
    def look(self) -> Iterator[None]:
        """Look at the tree inside of this, and tell of its folders (`seen`).

        What was known before stays known meanwhile, if nothing has changed. A look that fails tells nothing.
        """
        moment = self._begin()
        try:
            yield
        except BaseException:
            self._end(None)
            raise
        self._end(moment)

    def seen(self, folder: str) -> None:
        """Watch a folder from now on. To be called before it is listed, so that nothing falls in between."""
        with self._lock:
            self._folders += 1
            if self._library is None or self._queue is None or self._folders > MAX_FOLDERS:
                self._failed = True
            elif self._library.inotify_add_watch(self._queue, os.fsencode(folder), _EVENTS) < 0:
                self._failed = True  # gone meanwhile, not readable, or there are too many watches

    def quiet(self) -> bool:
        """Tell whether nothing has changed since the last look, as far as that can be known and trusted."""
        with self._lock:
            self._take_events()
            return self._looked_at is not None and self._age <= TRUST_S

    def is_due(self) -> bool:
        """Tell whether the last look will not be believed for long."""
        with self._lock:
            return self._looked_at is None or self._age > RENEW_S

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            queue, self._queue = self._queue, None
            self._looked_at = None
        if queue is not None:
            os.close(queue)

    def _begin(self) -> float:
        with self._lock:
            self._failed, self._folders = False, 0
            if self._library is not None and self._queue is None:
                queue = self._library.inotify_init1(_FLAGS)
                self._queue = queue if queue >= 0 else None
            self._take_events()
            self._changed = False  # what has changed up to here is looked at now
            return self._clock()

    def _end(self, moment: float | None) -> None:
        with self._lock:
            self._take_events()
            told = self._queue is not None and self._folders and not self._failed and not self._changed
            self._looked_at = moment if told else None

    @property
    def _age(self) -> float:
        return self._clock() - (self._looked_at or 0.0)

    def _take_events(self) -> None:
        """Note whether there were any: then what was seen is not what is there."""
        if self._drained():
            self._changed = True
            self._looked_at = None

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
