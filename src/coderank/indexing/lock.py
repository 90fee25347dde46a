"""Locks between processes; the operating system frees them when a process dies."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from coderank.errors import WRITABLE, IndexNotWritableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(path: Path, timeout: float) -> Iterator[bool]:
    """Hold the lock for the block, and tell whether it could be had within ``timeout`` seconds (0: at once).

    Raises IndexNotWritableError if the lock file cannot be created.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise IndexNotWritableError(f"Cannot write {path}: {error.strerror or error}", WRITABLE) from error
    try:
        yield True
    finally:
        lock.release()
