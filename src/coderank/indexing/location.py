"""Where the index of a root lives, and whose index a folder holds."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from coderank.errors import IndexCorruptError, IndexIncompatibleError, IndexNotFoundError
from coderank.store import fingerprint

DISK_BLOCK = 512
"""Bytes in one unit of st_blocks (POSIX leaves it open; every system at hand uses 512)."""
MANIFEST_FILES = ("manifest.db", "manifest.db-wal", "manifest.db-shm")
OWN_FILES = frozenset(
    "shard shard.new manifest.db.create background.log sync.lock fill.lock owner.lock queue.lock".split()
).union(MANIFEST_FILES)
"""What an index folder holds beside its record: a folder with anything else is not taken for one."""
_NAME_LENGTH = 40
_DIGEST_BYTES = 5


def index_folder(data_dir: Path, root: Path) -> Path:
    """Return the folder of a root's index: readable by its name, unique by a hash of the absolute path."""
    digest = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", root.name, flags=re.ASCII).strip("-.")[:_NAME_LENGTH]
    return data_dir / "indexes" / f"{name or 'root'}-{digest}"


def remembered(folder: Path, root: Path) -> fingerprint.IndexRecord | None:
    """Read what the index of ``root`` in a folder was built with; None for none, or for one of another version.

    One of another version is refused when it is used, not before, so that it can be rebuilt.

    Raises:
        IndexIncompatibleError: the folder holds the index of another root that still exists.
        IndexCorruptError: the folder holds something else.
    """
    found = None
    with suppress(IndexIncompatibleError):
        found = recorded(folder)
    # A tree that was moved takes its index along.
    if found and Path(found.root) != root and Path(found.root).exists():
        raise IndexIncompatibleError(
            f"{folder} holds the index of {found.root}, not of {root}", "Choose another folder with --index-dir"
        )
    return found


def recorded(folder: Path) -> fingerprint.IndexRecord | None:
    """Read what the index in a folder was built with; None if the folder is free for one."""
    try:
        return fingerprint.read(folder)
    except IndexNotFoundError:
        foreign = sorted({file.name for file in folder.iterdir()} - OWN_FILES) if folder.is_dir() else []
        if foreign:
            raise IndexCorruptError(
                f"{folder} holds files that are not of an index: {foreign[0]}", "Choose another folder with --index-dir"
            ) from None
        return None


def bytes_on_disk(folder: Path) -> int:
    """Add up what an index takes on disk."""
    return sum(map(_bytes, folder.rglob("*")))


def _bytes(file: Path) -> int:
    """Bytes that a file takes on disk: the engine's are sparse, and much larger by their length."""
    try:
        found = file.stat()
    except FileNotFoundError:  # another process is at work in the index
        return 0
    return getattr(found, "st_blocks", found.st_size // DISK_BLOCK) * DISK_BLOCK
