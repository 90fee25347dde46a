"""The texts of indexed files as they are now. Those read lately are kept for as long as their file is the same."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

from coderank.corpus.read import read_again
from coderank.types import Skip

if TYPE_CHECKING:
    from pathlib import Path

    Mark: TypeAlias = tuple[int, int, int, int, int]
    """Which file it is, its size, and when its content and its inode changed last."""

KEEP_BYTES = 16 << 20
"""Texts that are kept: all of most repositories. Questions of one task lead to the same files again and again, and to
read one again takes 0.1 ms: as long as everything else that is done for a hit."""
SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone for its marks to be believed: clocks of file systems tick that slowly, and
two changes within a tick leave the same mark."""


class Texts:
    """Reads the files of one tree. Safe among threads."""

    def __init__(self, root: Path, keep_bytes: int = KEEP_BYTES) -> None:
        """Take the root, and how much may be kept."""
        self._root = root
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Mark, str]] = OrderedDict()
        self._bytes = 0

    def of(self, path: str) -> str | Skip:
        """Give the text of a file that is in the index; a Skip says why it is not to be read any more.

        A text that was read before is given again only where the very same file has not been touched since: that one
        was found to lie below the root.
        """
        mark = _mark(f"{self._root}/{path}")
        if mark is None:
            return read_again(self._root, path)
        with self._lock:
            known = self._kept.get(path)
            if known is not None and known[0] == mark:
                self._kept.move_to_end(path)
                return known[1]
        text = read_again(self._root, path)
        if not isinstance(text, Skip) and time.time_ns() - max(mark[3:]) > SETTLED_NS:
            self._keep(path, mark, text)
        return text

    def _keep(self, path: str, mark: Mark, text: str) -> None:
        with self._lock:
            self._forget(path)
            self._kept[path] = mark, text
            self._bytes += sys.getsizeof(text)
            while self._bytes > self._keep_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, path: str) -> None:
        known = self._kept.pop(path, None)
        if known is not None:
            self._bytes -= sys.getsizeof(known[1])


def _mark(place: str) -> Mark | None:
    """Mark a file as it is now, before it is read: what changes later has another mark. None if it cannot be told."""
    try:
        found = os.lstat(place)  # links are not read, wherever they lead
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
