"""Where the index of a root lives, and whose index a folder holds."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from typing import TYPE_CHECKING

from coderank.errors import (
    INDEX,
    REBUILD,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotFoundError,
    PathNotFoundError,
)
from coderank.store import fingerprint, ownership, pin
from coderank.store.atomic import draft_prefix

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_FILES = ("manifest.db", "manifest.db-wal", "manifest.db-shm")
OWN_FILES = frozenset(
    "shard shard.new shard.view manifest.db.create background.log migration.json migration.sums server.json owner.json"
    " queue sync.lock fill.lock migrate.lock owner.lock queue.lock".split()
).union(MANIFEST_FILES)
"""What an index folder holds beside its record: a folder with anything else is not taken for one."""
INDEX_CONTENT = frozenset({"shard", "manifest.db"})
"""Of these, what no other program would have: they show that a damaged record is one of coderank's."""
_ANOTHER_FOLDER = "Choose another folder with --index-dir"
_MANIFEST_DRAFT = re.compile(r"manifest\.db\.\d+\.draft")
_GENERATION = re.compile(fingerprint.GENERATION)
_BACKUP = re.compile(r"backup-[1-9]\d*(\.new)?")
_REPLACED = (fingerprint.FILE_NAME, pin.FILE_NAME, ownership.FILE_NAME, "migration.json", "migration.sums")
_DRAFTS = tuple(map(draft_prefix, _REPLACED))
_NAME_LENGTH = 40
_DIGEST_BYTES = 5


def existing(path: Path | None) -> Path:
    """Resolve a root. Raises PathNotFoundError, also for None: a path that was given empty."""
    if path is None:  # an unset variable in a script; Path would take it for the current folder
        raise PathNotFoundError("The path is empty", "Give a file or folder, or leave it out for the current folder")
    try:
        found = path.resolve(strict=True)
        usable = found.is_dir() or found.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise PathNotFoundError(f"{reason}: {str(path)!r}", "Give a file or folder that can be read") from error
    if not usable:  # said before an index is made for it
        raise PathNotFoundError(f"{path} is neither a file nor a folder", "Give an existing file or folder")
    return found


def index_folder(data_dir: Path, root: Path) -> Path:
    """Return the folder of a root's index: readable by its name, unique by a hash of the absolute path."""
    return _unique(data_dir / "indexes", root)


def collection_folder(data_dir: Path, root: Path) -> Path:
    """Return the folder of a collection's index; ``root`` is its name below the path of the file that describes it."""
    return _unique(data_dir / "collections", root)


def _unique(folder: Path, root: Path) -> Path:
    digest = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", root.name, flags=re.ASCII).strip("-.")[:_NAME_LENGTH]
    return folder / f"{name or 'root'}-{digest}"


def arguments(path: Path, index_dir: Path | None, model: str = "auto") -> str:
    """Spell what names an index on the command line."""
    options = ["--index-dir", str(index_dir)] if index_dir else []
    options += ["--model", model] if model != "auto" else []
    name = str(path)
    return shlex.join([f"./{name}" if name.startswith("-") else name, *options])


def remembered(folder: Path, root: Path) -> fingerprint.IndexRecord | None:
    """Read what the index of ``root`` in a folder was built with; None for none, or for one that cannot be used.

    One of another version, or with a damaged record, is refused when it is used, not before, so that it can be rebuilt.

    Raises:
        IndexIncompatibleError: the folder holds the index of another root that still exists. That of a root that is
            gone is refused when it is used (`check_root`).
        IndexCorruptError: the folder holds something else.
    """
    try:
        found = recorded(folder)
    except (IndexIncompatibleError, IndexCorruptError):
        if not holds_index(folder):
            raise
        return None
    if found and os.path.lexists(found.root):
        check_root(folder, found, root)
    return found


def check_root(folder: Path, found: fingerprint.IndexRecord, root: Path) -> None:
    """Refuse an index of another root: it may be needed when that root is mounted or moved back."""
    if found.is_of(root):
        return
    remedy = _ANOTHER_FOLDER
    if not os.path.lexists(found.root):
        remedy += f", or, if that tree was moved or is not needed, build anew: coderank index --rebuild {INDEX}"
    raise IndexIncompatibleError(f"{folder} holds the index of {found.root}, not of {root}", remedy)


def holds_index(folder: Path) -> bool:
    """Tell whether a folder holds an index, be it of use or not, rather than nothing.

    Raises IndexCorruptError where it holds something else.
    """
    try:
        return recorded(folder) is not None
    except IndexIncompatibleError:
        return True
    except IndexCorruptError:
        if not _only_record_damaged(folder):
            raise
        return True


def recorded(folder: Path) -> fingerprint.IndexRecord | None:
    """Read what the index in a folder was built with; None if the folder is free for one."""
    try:
        return fingerprint.read(folder)
    except IndexCorruptError as error:
        if _only_record_damaged(folder):
            error.remedy = REBUILD
        raise
    except IndexNotFoundError:
        foreign = foreign_files(folder)
        if foreign:
            raise IndexCorruptError(
                f"{folder} holds files that are not of an index: {foreign[0]}", _ANOTHER_FOLDER
            ) from None
        return None


def foreign_files(folder: Path) -> list[str]:
    """Name what a folder holds that coderank did not make, in order."""
    return sorted(name for name in _names(folder) - {fingerprint.FILE_NAME} if not _is_own(name))


def _only_record_damaged(folder: Path) -> bool:
    """Tell whether a folder whose record cannot be read holds the other files of an index, and no file besides."""
    names = _names(folder) - {fingerprint.FILE_NAME}
    is_file = (folder / fingerprint.FILE_NAME).is_file()
    marked = any(name in INDEX_CONTENT or _GENERATION.fullmatch(name) for name in names)
    return is_file and all(map(_is_own, names)) and marked


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def _is_own(name: str) -> bool:
    """Tell whether coderank made a file of that name, drafts that a killed process left behind included."""
    if name in OWN_FILES or name.startswith(_DRAFTS):
        return True
    return any(pattern.fullmatch(name) for pattern in (_MANIFEST_DRAFT, _GENERATION, _BACKUP))
