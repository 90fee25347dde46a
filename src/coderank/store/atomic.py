"""Files that are replaced in one step: a reader sees the old content or the new one, also after a crash."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from coderank.errors import WRITABLE, IndexNotWritableError


def draft_prefix(name: str) -> str:
    """Say what begins the name of a file beside ``name`` that is being written: a kill leaves it behind."""
    return f".{name}-"


def replace_file(file: Path, data: bytes) -> None:
    """Write a file as a whole, with its folder where that is missing. Raises IndexNotWritableError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        put_whole(file, data)
    except OSError as error:
        raise IndexNotWritableError(f"Cannot write {file}: {error.strerror or error}", WRITABLE) from error


def put_whole(file: Path, data: bytes, *, rights: int | None = None) -> None:
    """Do the same in a folder that is there, for this user alone unless other ``rights`` are given. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix=draft_prefix(file.name), dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if rights is not None:
            temporary.chmod(rights)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def usual_rights() -> int:
    """Say what rights a new file of the user gets: the system tells his mask only to who sets it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def sync_folder(folder: Path) -> None:
    """Have a renaming reach the disk: until then a power cut can undo it."""
    with contextlib.suppress(OSError):  # not every system opens folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
