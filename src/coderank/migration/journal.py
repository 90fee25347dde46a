"""What a migration has done so far, on disk: after a kill at any moment the next run goes on from here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import IndexCorruptError
from coderank.store.atomic import draft_prefix, replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coderank.store.raw import PointId

FORMAT = 1
"""Version of the file; another one is refused."""
FILE_NAME = "migration.json"
SUMS_NAME = "migration.sums"
"""Beside it, over the cut-over of points that others write: what the payloads were when they were last looked at."""


class Stage(StrEnum):
    """What is behind a migration. The filling is looked at in every run: the live points may have changed since."""

    PLANNED = "planned"
    BACKED_UP = "backed up"
    SWITCHED = "switched"
    """Readers are served from the new points; what others wrote to the old at that moment is not yet taken along."""
    LIVE = "live"
    """Readers are served from the new points; the old are kept."""
    ROLLED_BACK = "rolled back"
    """Readers are served from the old points again; the new are kept."""

    @property
    def on_new(self) -> bool:
        """Whether readers are served from the new points."""
        return self in (Stage.SWITCHED, Stage.LIVE)


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model, and the rules by which its vectors are made: what tells two sets of points apart."""

    model: str
    """Catalogue name."""
    revision: str
    dimension: int
    chunker: str = ""
    """Empty where coderank did not cut the texts."""
    header: str = ""
    terms: str = ""

    def same_texts(self, other: Kind) -> bool:
        """Tell whether both embed the same texts and weigh the same terms, so that points can be carried over."""
        return (self.chunker, self.header, self.terms) == (other.chunker, other.header, other.terms)

    @property
    def rules(self) -> str:
        """Spell the rules by which texts are cut, headed and split into terms."""
        return f"chunker {self.chunker}, header {self.header}, terms {self.terms}"

    def __str__(self) -> str:
        return f"{self.model} ({self.dimension}-d)"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``migration.json``."""

    old: Kind
    """What the points were made with that the migration began with."""
    new: Kind
    old_place: str
    """Where they are: a generation of an index folder, or a collection of a server."""
    new_place: str
    stage: Stage = Stage.PLANNED
    backup: str = ""
    unseen: bool = False
    """Whether it went back without a look at what others had written to the new points since the cut-over."""
    refused: dict[str, str] = {}
    """Points that have no vector since the model does not take their text, and why; words find them."""
    missing: dict[str, str] = {}
    """Points that have no vector since there is no text of theirs to embed, and why."""
    format: int = FORMAT

    @property
    def cut_anew(self) -> bool:
        """Whether the new points are cut from the source, as the old ones were cut by other rules."""
        return not self.old.same_texts(self.new)

    @property
    def in_use(self) -> Kind:
        """What the points are made with that readers are served from, once there was a cut-over."""
        return self.old if self.stage is Stage.ROLLED_BACK else self.new

    @property
    def names(self) -> tuple[str, str]:
        """Call the old and the new points by what tells them apart."""
        kinds = (self.old, self.new)
        return tuple(f"{kind}, {kind.rules}" if self.cut_anew else str(kind) for kind in kinds)  # type: ignore[return-value]


class Journal:
    """The file of one collection's migration; every change is on the disk when the call returns."""

    def __init__(self, file: Path) -> None:
        """Take the place. Nothing is read or written yet."""
        self._file = file
        self._sums = file.with_name(SUMS_NAME)

    def read(self) -> Record | None:
        """Return what was written last; None if no migration was begun, or its last trace was removed.

        A move from a place to itself, which an older version noted, is none.
        Raises IndexCorruptError for a file that cannot be read or is of another version.
        """
        try:
            record = msgspec.json.decode(self._file.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise IndexCorruptError(
                f"{self._file} is not the journal of a migration that this version can go on with: {error}",
                "Move it away, then begin anew: coderank migrate PATH --model M --force",
            ) from error
        return None if record.old_place == record.new_place else record

    def write(self, record: Record) -> Record:
        """Replace the file in one step, and return what was written. Raises IndexNotWritableError."""
        replace_file(self._file, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        return record

    def change(self, record: Record, **fields: object) -> Record:
        """Write a record with some fields replaced, and return it."""
        return self.write(msgspec.structs.replace(record, **fields))

    def keep_sums(self, sums: Mapping[PointId, int]) -> None:
        """Write, before a cut-over, the sum of each old point's payload as it was looked at last."""
        replace_file(self._sums, msgspec.msgpack.encode(sums))

    def sums(self) -> dict[PointId, int]:
        """Return what was written before the last cut-over; nothing where that was not. Raises IndexCorruptError."""
        try:
            return msgspec.msgpack.decode(self._sums.read_bytes(), type=dict[str | int, int])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise IndexCorruptError(
                f"{self._sums} cannot be read: {error}",
                "Delete it, then run the command again: only points that the new side lacks are taken along then",
            ) from error

    def forget_sums(self) -> None:
        """Delete what `keep_sums` wrote: everything was taken along."""
        self._sums.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget the migration."""
        self._file.unlink(missing_ok=True)
        self.forget_sums()
        for name in (FILE_NAME, SUMS_NAME):
            for draft in self._file.parent.glob(f"{draft_prefix(name)}*"):
                draft.unlink(missing_ok=True)
