"""Looks at both sides of a migration, of which either may have nothing yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import IndexNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.store.raw import PointId, RawPoint, RawPoints


def written_since(old: RawPoints, new: RawPoints) -> int:
    """Count points of the new side that the old one does not have like that."""
    written = 0
    for page in pages_of(new):
        there = {point.id: point.payload for point in present(old, [point.id for point in page])}
        written += sum(there.get(point.id) != point.payload for point in page)
    return written


def lacking(old: RawPoints, new: RawPoints) -> list[PointId]:
    """Name the points of the old side that the new one does not have in any form."""
    missing: list[PointId] = []
    for page in pages_of(old):
        there = {point.id for point in present(new, [point.id for point in page])}
        missing += [point.id for point in page if point.id not in there]
    return missing


def count_of(points: RawPoints) -> int:
    """Count points, none where none was ever written."""
    try:
        return points.count()
    except IndexNotFoundError:
        return 0


def pages_of(points: RawPoints) -> Iterator[list[RawPoint]]:
    """Give the payloads of all points, none where none was ever written."""
    try:
        yield from points.pages(vectors=False)
    except IndexNotFoundError:
        return


def present(points: RawPoints, ids: Sequence[PointId], *, vectors: bool = False) -> list[RawPoint]:
    """Give those of the points that exist."""
    try:
        return points.retrieve(ids, vectors=vectors) if ids else []
    except IndexNotFoundError:
        return []
