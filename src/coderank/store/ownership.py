"""Which machine indexes a collection on a server: one at a time, or each would delete what the other has written.

An index folder has an id of its own, and the collection names in its metadata the one that writes it. Another folder
that has sources for the same collection is refused, until somebody says that it takes over.
"""

from __future__ import annotations

import platform
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import IndexCorruptError, StoreError
from coderank.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "coderank_owner"
"""The key of a collection's metadata that names who indexes it."""
FILE_NAME = "owner.json"


class Owner(msgspec.Struct, frozen=True):
    """Who indexes a collection."""

    id: str
    """Of an index folder; made at random."""
    host: str
    """What the machine calls itself, for people."""
    since: str
    """When the folder got its id, as an ISO date and time."""


def owner_in(said: object) -> Owner | None:
    """Read who indexes a collection from its metadata; None for nobody."""
    if not isinstance(said, dict) or OWNER not in said:
        return None
    try:
        return msgspec.convert(said[OWNER], Owner)
    except msgspec.ValidationError:  # of a later version: somebody does
        return Owner("", "?", "?")


class Ownership:
    """What an index folder may do with a collection on a server. Reads and writes ``owner.json`` in the folder."""

    def __init__(self, folder: Path, label: str) -> None:
        """Take the index folder, and what the user calls the collection."""
        self._file = folder / FILE_NAME
        self._label = label

    def claim(self) -> Owner:
        """Return who this folder is, which is made up at the first time. Raises IndexNotWritableError."""
        found = self._mine()
        if found is None:
            made = Owner(uuid.uuid4().hex, platform.node() or "?", datetime.now(UTC).isoformat(timespec="seconds"))
            replace_file(self._file, msgspec.json.encode(made))
            found = self._mine() or made  # of two processes that made one, the last
        return found

    def check(self, said: object, where: str) -> None:
        """Raise StoreError if the metadata of a collection name another folder.

        Raises IndexCorruptError for an ``owner.json`` that coderank did not write.
        """
        owner = owner_in(said)
        if owner is None:
            return
        mine = self._mine()
        if mine is None or mine.id != owner.id:
            raise StoreError(
                f"{where} is indexed by another index, on the machine {owner.host} (since {owner.since})",
                "To search it, describe it without sources; to index it from here from now on: "
                f"coderank index --collection {self._label} --take-over",
            )

    def _mine(self) -> Owner | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Owner)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IndexCorruptError(
                f"{self._file} cannot be read: {error}",
                f"Delete it, then: coderank index --collection {self._label} --take-over",
            ) from error
