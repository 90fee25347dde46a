"""A sample of a collection's own vectors, the same in every run."""

from __future__ import annotations

import random
import uuid
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import CoderankError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.store.raw import PointId, RawPoint, RawPoints, VectorSpec
    from coderank.types import Matrix, Vector

SEED = 20_240_229
STRETCHES = 64
"""Places in a large collection from which points are taken: neighbours by id have nothing else in common."""
PAGE = 1_000


def sample(points: RawPoints, vector: str, size: int) -> Matrix:
    """Return up to ``size`` vectors of that name, shape (n, dimension), normalised; raise CoderankError for none.

    Ids that are UUIDs are spread evenly, so runs of them are taken at random places. Numbers are not: of those, all
    ids are read and drawn from.
    """
    draw = random.Random(SEED)  # noqa: S311 - a sample, not a secret
    count = points.count()
    if count <= size:
        found = list(_vectors(points.pages(vectors=True), vector))
    else:
        first = next(points.pages(vectors=False, size=1))[0].id
        drawn = _stretches(points, size, draw) if isinstance(first, str) else _drawn(points, size, count, draw)
        found = list(_vectors(drawn, vector))
    if not found:
        raise CoderankError(
            f"No point of the collection has a vector {vector or '(unnamed)'!r}", "Index it first: coderank index"
        )
    stacked = np.stack(found[:size]).astype(np.float32)
    norms = np.linalg.norm(stacked, axis=1, keepdims=True)
    normalised: Matrix = np.divide(stacked, norms, out=stacked, where=norms > 0)
    return normalised


def held_out(vectors: Matrix, queries: int) -> tuple[Matrix, Matrix]:
    """Split a sample into (vectors to be searched, vectors to search for)."""
    order = np.random.default_rng(SEED).permutation(len(vectors))
    return vectors[order[queries:]], vectors[order[:queries]]


def _vectors(pages: Iterator[list[RawPoint]], name: str) -> Iterator[Vector]:
    for page in pages:
        for point in page:
            found = point.vectors.get(name)
            if isinstance(found, np.ndarray) and found.ndim == 1:
                yield found


def _stretches(points: RawPoints, size: int, draw: random.Random) -> Iterator[list[RawPoint]]:
    seen: set[PointId] = set()
    each = -(-size // STRETCHES)
    while len(seen) < size:
        start = str(uuid.UUID(int=draw.getrandbits(128)))
        page = next(points.pages(vectors=True, size=each, after=start), [])
        fresh = [point for point in page if point.id not in seen]
        seen.update(point.id for point in fresh)
        yield fresh


def _drawn(points: RawPoints, size: int, count: int, draw: random.Random) -> Iterator[list[RawPoint]]:
    wanted = set(draw.sample(range(count), size))
    ids = (point.id for page in points.pages(vectors=False) for point in page)
    chosen = (id_ for number, id_ in enumerate(ids) if number in wanted)
    while batch := list(islice(chosen, PAGE)):
        yield points.retrieve(batch, vectors=True)


def dense_vector(specs: Sequence[VectorSpec], wanted: str | None) -> str:
    """Name the dense vector of a collection: the one that is wanted, or the only one.

    Raises CoderankError where that leaves none, or a choice.
    """
    dense = [spec.name for spec in specs if not spec.sparse and not spec.multi]
    if wanted in dense:
        return wanted
    if len(dense) != 1 or wanted is not None:
        listed = ", ".join(name or "(unnamed)" for name in dense) or "none"
        raise CoderankError(f"The collection's dense vectors are: {listed}", "Name one as store.vector")
    return dense[0]
