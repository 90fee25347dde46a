"""What a migration works on: where a collection lives, and what makes its vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from coderank.store.raw import PointId, RawPoint, RawPoints
    from coderank.store.room import Space
    from coderank.types import Matrix, Vector


class Step(StrEnum):
    """Where a running migration is, or what else points go through one by one."""

    BACK_UP = "backing up"
    CUT = "cutting files"
    EMBED = "embedding points"
    VERIFY = "verifying points"
    COMPARE = "comparing answers"
    CUT_OVER = "cutting over"
    LOAD = "loading points"
    EXPORT = "exporting points"


@dataclass(frozen=True, slots=True)
class Moving:
    """An event of a running migration: ``done`` of ``total`` points."""

    phase: Step
    done: int
    total: int


class Site(Protocol):
    """Where one collection lives: its live points, the shadow that is to replace them, and what says which is which.

    Every method is safe to repeat after a kill at any moment, and raises a CoderankError that says what failed.
    """

    locks: bool
    """Whether `quiet` keeps every writer out."""

    @property
    def label(self) -> str:
        """What the user calls the collection."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep other migrations of the collection out; raise IndexBusyError where one is at work."""
        ...

    def live(self) -> RawPoints:
        """Give the points that readers are served from."""
        ...

    def shadow(self) -> RawPoints:
        """Give the points that grow beside them; the first write makes them."""
        ...

    def space(self) -> Space:
        """Say how much room the collection takes, and how much there is."""
        ...

    def back_up(self) -> str:
        """Copy the live points aside, verify the copy, and say where it is. Does nothing where one is whole."""
        ...

    def quiet(self) -> AbstractContextManager[None]:
        """Keep writers away from the live points, as far as the store can."""
        ...

    def settle(self) -> None:
        """Make the shadow as fast to open and search as a collection at rest."""
        ...

    def cut_over(self, *, whole: bool) -> None:
        """Serve readers from the shadow from now on, in one step; ``whole``: every point has its vector."""
        ...

    def roll_back(self) -> None:
        """Serve readers from the old points again, in one step."""
        ...

    def left_behind(self) -> list[PointId]:
        """Name old points that the new side lacks, where others write to either; none where only syncs write."""
        ...

    def drop_old(self) -> int:
        """Delete the old points and their backup, and return the bytes that this gave back."""
        ...

    def drop_shadow(self) -> int:
        """Delete the new points and the backup, and return the bytes that this gave back."""
        ...


class Vectors(Protocol):
    """Makes the new vectors."""

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    def of(self, points: Sequence[RawPoint]) -> Made:
        """Embed what the points say."""
        ...

    def again(self, point: RawPoint) -> list[Vector]:
        """Embed a point alone, whatever is kept, and add the vector that is kept for it, if any."""
        ...


class Growth(Protocol):
    """Brings the new points up to what they are to be. The difference is looked at anew in every round."""

    embedded: int
    """Vectors made in this run."""
    sums: dict[PointId, int]
    """Of the payloads that the last round saw; a run after a kill at the cut-over is given those of the one before."""
    seen: list[PointId]
    """Ids of the new points, as they have to be after the last round."""

    def seed(self, pages: Iterable[Sequence[RawPoint]]) -> int:
        """Take vectors that were made elsewhere, where they are still those of a text; return how many."""
        ...

    def round(self) -> int:
        """Take in what differs now, and return how many points, or files, did."""
        ...

    def late(self) -> int:
        """Take along, after a cut-over, what was written at its moment; return how many points."""
        ...

    def verify(self, without: Collection[str], on_progress: Listener | None = None) -> Verified:
        """Check counts, and a sample of the points; raise StoreError. ``without`` are ids that have no vector."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at."""

    points: int
    sampled: int
    worst_cosine: float
    """Of a sampled point's stored vector with that of a second embedding; 1 where none was sampled."""


@dataclass(frozen=True, slots=True)
class Made:
    """New vectors by position, and why there is none for the others."""

    vectors: Mapping[int, Vector]
    refused: Mapping[int, str]
    """The model does not take the text."""
    missing: Mapping[int, str]
    """There is no text: neither in the payload, nor, unchanged, on the disk."""


class Gate(Protocol):
    """Decides whether the shadow answers as well as the live points."""

    def __call__(self) -> Verdict:
        """Compare them."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found."""

    passed: bool
    summary: str
    """One line: the measure, the difference and the threshold."""


class Cache(Protocol):
    """Vectors of one model by content, as indexing keeps them."""

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those keys that are known."""
        ...

    def put(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Remember vectors."""
        ...


if TYPE_CHECKING:
    Listener = Callable[[Moving], None]
    Note = Callable[[set[str], dict[str, str], dict[str, str]], None]
    """Told, of points about to be written, their ids, those that the model refused, and those without a text."""
    Grow = Callable[[Note, Listener | None], Growth]
    """Begins to bring the new points up."""
