"""What an index was built with, kept in its folder, so that nothing is ever searched with the wrong model."""

from __future__ import annotations

import contextlib
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from coderank.errors import (
    INDEX,
    REBUILD,
    RECUT,
    WRITABLE,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotFoundError,
    IndexNotWritableError,
)
from coderank.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 2
"""Version of the layout of an index folder; raised when an older coderank could not read it."""
READABLE = frozenset({1, FORMAT})
"""Versions that are used as they are. The second may have static vectors beside the dense ones, which the engine opens
only for whoever knows of them."""
FILE_NAME = "index.json"
RULES = frozenset({"chunker", "header", "terms"})
"""Fields of how texts are cut, headed and split into terms: what a new version of coderank may do otherwise."""
SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone for its marks to be believed: clocks of file systems tick that slowly, and
two changes within a tick leave the same mark."""
GENERATION = r"generation-[1-9][0-9]{0,8}"
"""Names the folder of a later generation. A record is a file like any other, so no other name is followed."""
GenerationName: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"\A({GENERATION})?\Z")]


class Fingerprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that makes stored vectors comparable with a query; equal or the index is refused."""

    format: int
    model: str
    """Catalogue name."""
    revision: str
    """The exact weights."""
    dimension: int
    chunker: str
    """Version of the rules that cut files into chunks."""
    header: str
    """Version of the text embedded above each chunk."""
    terms: str = "1"
    """Version of the terms and weights of the lexical leg; the first was not written down."""


class IndexRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of ``index.json``: replaced in one step, it moves an index on to another model and its points."""

    fingerprint: Fingerprint
    root: str
    """Absolute path of the indexed tree, in which bytes that are not UTF-8 are escaped."""
    generation: GenerationName = ""
    """Folder of the points and of the manifest below the index folder; empty for that itself, as indexes begin."""

    def is_of(self, root: Path) -> bool:
        """Tell whether the index is one of the tree at an absolute path."""
        return self.root == _printable(root)


def read(folder: Path) -> IndexRecord:
    """Load the record of an index folder.

    Raises IndexNotFoundError without one, IndexIncompatibleError for another format version, IndexCorruptError for
    anything coderank did not write and IndexNotWritableError where reading is not allowed.
    """
    try:
        there = os.stat(f"{folder}/{FILE_NAME}")  # noqa: PTH116 - to make a Path of it takes longer than all the rest
        if time.time_ns() - there.st_ctime_ns > SETTLED_NS:
            return _settled(folder, (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns))
        return _loaded(folder)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _corrupt(folder / FILE_NAME, error) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFoundError(f"No index at {folder}", f"Build one: coderank index {INDEX}") from error
    except IsADirectoryError as error:
        raise _corrupt(folder / FILE_NAME, error) from error
    except OSError as error:
        raise IndexNotWritableError(f"Cannot read {folder / FILE_NAME}: {error.strerror}", WRITABLE) from error


def write(folder: Path, fingerprint: Fingerprint, root: Path, generation: str = "") -> None:
    """Store the record atomically: a reader sees the old file or the new one, also after a crash.

    A file of that name which coderank did not write is left alone and raises IndexCorruptError.
    """
    with contextlib.suppress(IndexNotFoundError, IndexIncompatibleError):
        read(folder)
    record = IndexRecord(fingerprint=fingerprint, root=_printable(root.absolute()), generation=generation)
    replace_file(folder / FILE_NAME, _encoded(record))


def current(found: Fingerprint) -> Fingerprint:
    """Give a fingerprint of a readable format the number of the present one: they mean the same."""
    return msgspec.structs.replace(found, format=FORMAT) if found.format in READABLE else found


def bring_up_to_date(folder: Path) -> None:
    """Write a record of an older format anew, so that an older coderank refuses the index before it opens it.

    To be called under a lock that keeps the record as it is. Raises what `read` and `write` raise.
    """
    record = read(folder)
    if written_format((folder / FILE_NAME).read_bytes()) != FORMAT:
        replace_file(folder / FILE_NAME, _encoded(record))


def check(found: Fingerprint, expected: Fingerprint, root: Path | str) -> None:
    """Raise IndexIncompatibleError that names every field in which the two differ."""
    names = [name for name in Fingerprint.__struct_fields__ if getattr(found, name) != getattr(expected, name)]
    if names:
        spelt = (f"{name} is {getattr(found, name)!r}, expected {getattr(expected, name)!r}" for name in names)
        raise _incompatible(str(root), "; ".join(spelt), RECUT if RULES.issuperset(names) else REBUILD)


@lru_cache(maxsize=16)
def _settled(folder: Path, mark: tuple[int, ...]) -> IndexRecord:  # noqa: ARG001 - remembered by it
    """Read a record once for as long as its file is the very same: every search asks for it twice."""
    return _loaded(folder)


def _loaded(folder: Path) -> IndexRecord:
    data = (folder / FILE_NAME).read_bytes()
    _check_format(data)
    record = msgspec.json.decode(data, type=IndexRecord)
    return msgspec.structs.replace(record, fingerprint=current(record.fingerprint))


def _encoded(record: IndexRecord) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _check_format(data: bytes) -> None:
    # Another version may have other fields, so its number is read before the strict decoding would call it corrupt.
    number = written_format(data)
    if number is not None and number not in READABLE:
        root = str(msgspec.json.decode(data).get("root", "this folder"))
        raise _incompatible(root, f"format is {number}, expected {FORMAT}")


def written_format(data: bytes) -> int | None:
    """Read the format of a record whatever else it holds; None where it does not say."""
    try:
        raw: Any = msgspec.json.decode(data)
        number = raw["fingerprint"]["format"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return None
    return number if isinstance(number, int) else None


def _printable(path: Path) -> str:
    """A path as text: JSON is UTF-8, and a name on disk need not be."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _incompatible(root: str, difference: str, remedy: str = REBUILD) -> IndexIncompatibleError:
    return IndexIncompatibleError(f"The index of {root} was built differently: {difference}", remedy)


def _corrupt(file: Path, error: Exception) -> IndexCorruptError:
    return IndexCorruptError(
        f"{file} is not the record of a coderank index: {error}",
        "Choose another folder with --index-dir, or, if nothing needs that file, delete it and run the command again",
    )
