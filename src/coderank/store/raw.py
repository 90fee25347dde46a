"""Points as their owner wrote them, whatever the payload: what is moved, exported, compared and measured."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.types import SparseVector, Vector

PointId: TypeAlias = str | int
"""A UUID as text with hyphens, or an unsigned 64-bit number."""
UNNAMED = ""
"""The name of a collection's only vector where its owner gave it none."""
RAW_PAGE = 1_000
"""Points per page: 3 MB of vectors at 768 dimensions, and some milliseconds of the folder's lease."""


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """One vector that the points of a collection may carry."""

    name: str
    dimension: int
    """0 of a sparse vector."""
    distance: str
    """As Qdrant spells it: Cosine, Dot, Euclid, Manhattan. Empty of a sparse vector."""
    sparse: bool = False
    idf: bool = False
    """Whether the engine weighs the terms of a sparse vector by their rarity."""
    multi: bool = False
    """Whether a point has a matrix of them, one row per token."""


@dataclass(frozen=True, slots=True)
class RawPoint:
    """One point as its owner wrote it."""

    id: PointId
    payload: dict[str, Any]
    vectors: dict[str, Vector | SparseVector]
    """By name, UNNAMED for the unnamed one, a matrix where the vector is a multi-vector; empty where not asked for."""


class RawPoints(Protocol):
    """All points of one collection. Every method is safe to repeat."""

    def specs(self) -> tuple[VectorSpec, ...]:
        """Which vectors the points may have, by name."""
        ...

    def count(self) -> int:
        """How many points there are, exactly."""
        ...

    def pages(self, *, vectors: bool, size: int = RAW_PAGE, after: PointId | None = None) -> Iterator[list[RawPoint]]:
        """Give all points in the order of their ids (numbers, then UUIDs), those after ``after`` if it is given.

        Points written meanwhile are given if their ids are still to come.
        """
        ...

    def retrieve(self, ids: Sequence[PointId], *, vectors: bool) -> list[RawPoint]:
        """Points by id, in the order of the ids; those that do not exist are absent."""
        ...

    def write(self, points: Sequence[RawPoint]) -> None:
        """Insert or replace whole points; returns when they are safe."""
        ...

    def delete(self, ids: Sequence[PointId]) -> None:
        """Remove points by id; those that do not exist are ignored."""
        ...

    def close(self) -> None:
        """Flush and release; the points can be used again."""
        ...


def id_order(id_: PointId) -> tuple[bool, int]:
    """Key that sorts ids as Qdrant does: numbers first, then UUIDs, each by value."""
    return (False, id_) if isinstance(id_, int) else (True, uuid.UUID(id_).int)


def in_order_of(ids: Sequence[PointId], points: Sequence[RawPoint]) -> list[RawPoint]:
    """Sort points as their ids were asked for; an id asked for twice is given once."""
    found = {point.id: point for point in points}
    return [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]
