"""Open regular files only: never a link, and never a pipe or device, which could block or have effects."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Windows lacks the first two; there the check before opening stands alone. O_NONBLOCK: a pipe swapped in after that
# check must not block. O_BINARY (Windows only): bytes as they are.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_OPEN_FILES = "/proc/self/fd"
"""Where Linux tells what is open. Elsewhere there is no such folder."""


def read_regular(path: Path, limit: int) -> bytes:
    """Read at most ``limit`` bytes. Raises OSError if it is no regular file, or as the system does."""
    _require_regular(path.lstat().st_mode, path)
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular(os.fstat(descriptor).st_mode, path)
        return file.read(limit)


def read_straight(place: str, limit: int) -> bytes | None:
    """Read at most ``limit`` bytes of a regular file to which no step of an absolute path is a link or a detour.

    None for any other, and where that cannot be told. The system is asked where the file lies once it is open, so that
    nothing can be put in its place in between; to look at each step beforehand takes three times as long.
    """
    try:
        _require_regular(os.lstat(place).st_mode, place)
        descriptor = os.open(place, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        opened = os.fstat(descriptor)
        _require_regular(opened.st_mode, place)
        if os.readlink(f"{_OPEN_FILES}/{descriptor}") != place:  # noqa: PTH115 - a text, not a path
            return None
        return _read_on(descriptor, opened.st_size, limit)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _read_on(descriptor: int, size: int, limit: int) -> bytes:
    """Read up to the end or ``limit``, whichever comes first; ``size`` is what is expected."""
    data = os.read(descriptor, min(size + 1, limit))
    while len(data) < limit and (more := os.read(descriptor, limit - len(data))):
        data += more
    return data


def _require_regular(mode: int, path: Path | str) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
