"""Copies of files that the engine goes on writing: of their own, and no larger than what they hold."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_AT_ONCE = 1 << 30
_NO_SUCH_CALL = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY})


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder that nobody writes to meanwhile. ``target`` must not exist. Raises OSError.

    Not by hard links: the engine changes its files in place, and a linked copy changes with them (36 files of 3,000
    points after one update). Where the file system can share blocks, they are shared until one side changes.
    """
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.view", "queue"), copy_function=_copy)


def _copy(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as old, open(target, "wb", buffering=0) as new:  # noqa: PTH123 - of copytree
        size = os.fstat(old.fileno()).st_size
        os.ftruncate(new.fileno(), size)
        for start, end in _spans(old.fileno(), size):
            _copy_span(old.fileno(), new.fileno(), start, end)
        os.fsync(new.fileno())


def _spans(handle: int, size: int) -> list[tuple[int, int]]:
    """Where a file holds data: the engine's are mostly holes, which a plain copy would fill with zeros."""
    if not hasattr(os, "SEEK_DATA"):
        return [(0, size)]
    spans = []
    end = 0
    while end < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                break
            if error.errno in _NO_SUCH_CALL:
                return [(0, size)]
            raise
        end = os.lseek(handle, start, os.SEEK_HOLE)
        spans.append((start, end))
    return spans


def _copy_span(old: int, new: int, start: int, end: int) -> None:
    while start < end:
        copied = _shared(old, new, start, end) or _read_and_written(old, new, start, end)
        if not copied:
            raise OSError(errno.EIO, "a file became shorter while it was copied")
        start += copied


def _shared(old: int, new: int, start: int, end: int) -> int:
    if not hasattr(os, "copy_file_range"):
        return 0
    try:
        return os.copy_file_range(old, new, min(end - start, _AT_ONCE), start, start)
    except OSError as error:
        if error.errno in _NO_SUCH_CALL:
            return 0
        raise


def _read_and_written(old: int, new: int, start: int, end: int) -> int:
    os.lseek(old, start, os.SEEK_SET)
    data = os.read(old, min(end - start, 1 << 20))
    os.lseek(new, start, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(new, view) :]
    return len(data)
