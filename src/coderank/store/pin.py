"""Which collection of a server holds the points of a generation: written beside its manifest, whatever a name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coderank.errors import REBUILD, IndexCorruptError
from coderank.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "server.json"


class Physical(str):
    """The name of a collection itself: it is not looked up among the aliases."""

    __slots__ = ()


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``server.json``."""

    name: str
    """What the collection is called in its configuration: under another name, the pin is not meant."""
    collection: str
    """The physical collection."""


def read_pin(folder: Path, name: str) -> str:
    """Return the physical collection of a generation; empty where what ``name`` stands for has it.

    Raises IndexCorruptError for a file that coderank did not write.
    """
    try:
        found = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Pin)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IndexCorruptError(f"{folder / FILE_NAME} cannot be read: {error}", REBUILD) from error
    return found.collection if found.name == name else ""


def write_pin(folder: Path, name: str, collection: str) -> None:
    """Say where the points of a generation are; the file is replaced in one step. Raises IndexNotWritableError."""
    replace_file(folder / FILE_NAME, msgspec.json.encode(Pin(name, collection)))
