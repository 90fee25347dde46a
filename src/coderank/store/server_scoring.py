"""Runs a retrieval request on a server: the best of each leg with whole ties, their union scored on both legs.

The same two steps as in the embedded store, and the same formula, computed by the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from coderank.errors import StoreError
from coderank.store.server_requests import LegRequest, leg_request, legs_of, union_query
from coderank.store.ties import TIE_MARGIN, best, with_whole_ties
from coderank.types import Candidate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qdrant_client import QdrantClient, models

    from coderank.store.contract import StoreQuery
    from coderank.store.layout import Layout
    from coderank.store.quantization import Quantization
    from coderank.store.server_requests import Leg
    from coderank.types import Filters


@dataclass(frozen=True, slots=True)
class Searched:
    """The collection that a request is put to, by its own name, and how its points are read."""

    collection: str
    layout: Layout
    quantization: Quantization


def ranked(client: QdrantClient, where: Searched, request: StoreQuery) -> list[Candidate]:
    """Answer a request with its candidates in the total order (-score, path, start_line, id)."""
    legs = legs_of(request, where.layout, where.quantization)
    if not legs:
        raise StoreError(f"The collection {where.collection} has no terms to search by", "Search it by meaning")
    wanted, named = _found(client, where, request, legs)
    if not wanted | named:
        return []
    answer = client.query_points(where.collection, **union_query(request, legs, wanted | named))
    candidates = [
        Candidate(str(point.id), chunk, point.score)
        for point in _descending(answer.points, where.layout)
        if (chunk := where.layout.chunk(point.payload, str(point.id))) is not None
    ]
    candidates.sort(key=lambda hit: (-hit.score, hit.chunk.path, hit.chunk.start_line, hit.id))
    return candidates[: request.limit] + [hit for hit in candidates[request.limit :] if hit.id in named]


def _found(
    client: QdrantClient, where: Searched, request: StoreQuery, legs: Sequence[Leg]
) -> tuple[set[str], set[str]]:
    """Ids of the points that compete for the list, and of the definitions that join it."""
    keep = request.prefetch if len(legs) > 1 else request.limit
    asked = [LegRequest(leg, keep) for leg in legs]
    if request.defines and request.definitions and where.layout.defines:
        asked += [LegRequest(leg, request.definitions, request.defines) for leg in legs]
    found: tuple[set[str], set[str]] = set(), set()
    first = [leg_request(one, request.filters, where.layout, one.keep + TIE_MARGIN) for one in asked]
    for one, answer in zip(asked, client.query_batch_points(where.collection, first), strict=True):
        points = _descending(answer.points, where.layout)
        whole = with_whole_ties(points, one.keep, partial(_again, client, where, one, request.filters))
        # A list of one leg is cut by path later, where ids must not have decided before.
        kept = best(whole, one.keep, tied_too=len(legs) == 1)
        found[bool(one.defines)].update(str(point.id) for point in kept)
    return found


def _again(
    client: QdrantClient, where: Searched, one: LegRequest, filters: Filters, limit: int
) -> list[models.ScoredPoint]:
    (answer,) = client.query_batch_points(where.collection, [leg_request(one, filters, where.layout, limit)])
    return _descending(answer.points, where.layout)


def _descending(points: list[models.ScoredPoint], layout: Layout) -> list[models.ScoredPoint]:
    """Turn distances round, so that the best point has the highest score."""
    if not layout.ascending:
        return points
    return [point.model_copy(update={"score": -point.score}) for point in points]
