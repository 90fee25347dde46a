"""Deletes an index folder: everything that can be built again, and nothing that coderank did not make."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from coderank.errors import WRITABLE, IndexBusyError, IndexCorruptError, IndexNotFoundError, IndexNotWritableError
from coderank.indexing.location import foreign_files, holds_index
from coderank.indexing.lock import held
from coderank.store import fingerprint
from coderank.store.lease import Lease
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 60.0
"""How long to wait for a process that is at work in the index: a batch of it takes seconds."""
TRIES = 10
_LOCKS = ("sync.lock", "fill.lock")


def remove(folder: Path) -> int:
    """Delete an index folder with all its generations, and return the bytes that this gave back.

    Raises:
        IndexNotFoundError: there is no index.
        IndexCorruptError: the folder holds something else, which is left alone.
        IndexBusyError: another process is at work in it.
        IndexNotWritableError: it cannot be deleted.
    """
    if not holds_index(folder):
        raise IndexNotFoundError(f"There is no index at {folder}", "`coderank collections list` shows those there are")
    _check_own(folder)
    size = bytes_on_disk(folder)
    with ExitStack() as stack:
        for name in _LOCKS:
            if not stack.enter_context(held(folder / name, PATIENCE_S)):
                raise IndexBusyError(f"Another process is at work in {folder}", "Wait for it to end, or end it")
        for used in (folder, *(each for each in folder.glob("generation-*") if each.is_dir())):
            lease = Lease(used)
            lease.acquire(PATIENCE_S)
            stack.callback(lease.release)
        # First the record: from here on, nobody takes what is left for an index.
        _delete(folder, first=fingerprint.FILE_NAME)
    return size


def remove_folder(folder: Path) -> None:
    """Delete a folder of an index; raise IndexCorruptError where it holds what coderank did not make."""
    if folder.exists():
        _check_own(folder)
        _delete(folder)


def _check_own(folder: Path) -> None:
    if foreign := foreign_files(folder):
        raise IndexCorruptError(f"{folder} holds files that are not of an index: {foreign[0]}", "Move them away")


def _delete(folder: Path, first: str = "") -> None:
    """Delete a folder in which processes may be queueing for their turn, which leaves files as fast as they go."""
    try:
        if first:
            (folder / first).unlink(missing_ok=True)
        for _ in range(TRIES - 1):
            with suppress(OSError):
                shutil.rmtree(folder)
                return
        shutil.rmtree(folder)
    except OSError as error:
        raise IndexNotWritableError(f"Cannot delete {folder}: {error.strerror or error}", WRITABLE) from error
