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


def read_regular(path: Path, limit: int) -> bytes:
    """Read at most ``limit`` bytes. Raises OSError if it is no regular file, or as the system does."""
    _require_regular(path.lstat().st_mode, path)
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular(os.fstat(descriptor).st_mode, path)
        return file.read(limit)


def _require_regular(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
