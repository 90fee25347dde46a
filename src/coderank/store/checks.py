"""What no store is asked for: vectors of another dimension, queries without a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.store.contract import StoreQuery
    from coderank.types import Matrix, Point


def check_request(request: StoreQuery, dimension: int) -> None:
    """Raise StoreError for a query that has no vector, or one of another dimension."""
    if request.dense is None and request.static is None and request.sparse is None:
        raise StoreError("A store query needs a dense, a static or a sparse vector, it has none")
    if request.dense is not None:
        check_dimension(request.dense.shape[-1], dimension)


def check_points(points: Sequence[Point], dimension: int) -> None:
    """Raise StoreError where a point has a vector of another dimension."""
    for point in points:
        if point.dense is not None:
            check_dimension(point.dense.shape[-1], dimension)


def check_vectors(ids: Sequence[str], vectors: Matrix, dimension: int) -> None:
    """Raise StoreError where there are not as many vectors as ids, or they have another dimension."""
    if len(ids) != len(vectors):
        raise StoreError(f"{len(ids)} ids but {len(vectors)} vectors")
    if ids:
        check_dimension(vectors.shape[-1], dimension)


def check_dimension(given: int, dimension: int) -> None:
    """Raise StoreError where a vector has not the dimension of the index."""
    if given != dimension:
        raise StoreError(
            f"A vector of dimension {given} does not fit the index of dimension {dimension}",
            "Use the model the index was built with, or build it again: coderank index --rebuild PATH",
        )
