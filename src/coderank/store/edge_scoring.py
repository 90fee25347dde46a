"""Runs retrieval requests on an open shard: the best of each leg with whole ties, their union scored on both legs.

Two batches: as one nested request the engine scans every leg twice (50 k points: 16 ms instead of 6 ms, same scores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import qdrant_edge as qdrant

from coderank.store.edge_requests import leg_count, leg_request, union_request
from coderank.store.payload import from_payload
from coderank.types import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coderank.store.contract import StoreQuery
    from coderank.types import Chunk

    Scored: TypeAlias = list[tuple[str, float]]
    """(id, score) of points, best first."""

TIE_MARGIN = 32
"""A leg is asked for this many more than wanted: enough for most ties at the end of its list."""
TIE_GROWTH = 8
"""Where ties go on beyond that, it is asked again for so many times more, until they end."""


def ranked(shard: qdrant.EdgeShard, requests: Sequence[StoreQuery]) -> list[list[Candidate]]:
    """Answer each request with its candidates in the total order (-score, path, start_line, id)."""
    lists = _scored(shard, requests)
    chunks = chunks_by_id(shard, {id_ for scored in lists for id_, _ in scored})
    return [_candidates(scored, chunks)[: request.limit] for scored, request in zip(lists, requests, strict=True)]


def chunks_by_id(shard: qdrant.EdgeShard, ids: Iterable[str]) -> dict[str, Chunk]:
    """Read the chunks of these points; ids that do not exist are absent."""
    records = shard.retrieve(sorted(ids), with_payload=True, with_vector=False)
    return {str(record.id): from_payload(record.payload) for record in records}


def _scored(shard: qdrant.EdgeShard, requests: Sequence[StoreQuery]) -> list[Scored]:
    asked = [
        (request, leg, request.prefetch if leg_count(request) > 1 else request.limit)
        for request in requests
        for leg in range(leg_count(request))
    ]
    first = [leg_request(request, leg, keep + TIE_MARGIN) for request, leg, keep in asked]
    answers = zip(shard.query_batch(qdrant.QueryBatchRequest(first)) if first else [], asked, strict=True)
    legs = iter([_with_whole_ties(shard, points, *question) for points, question in answers])
    unions, singles = [], []
    for request in requests:
        if leg_count(request) > 1:
            ids = {id_ for _ in range(2) for id_, _ in _cut(next(legs), request.prefetch)}
            unions.append(union_request(request, ids))
        else:
            singles.append(next(legs))
    fused = iter(shard.query_batch(qdrant.QueryBatchRequest(unions)) if unions else [])
    alone = iter(singles)
    lists = [_pairs(next(fused)) if leg_count(request) > 1 else next(alone) for request in requests]
    return [_to_the_last_tie(scored, request.limit) for scored, request in zip(lists, requests, strict=True)]


def _with_whole_ties(
    shard: qdrant.EdgeShard, points: list[qdrant.ScoredPoint], request: StoreQuery, leg: int, keep: int
) -> Scored:
    """Ask again for more while the ties of the last point to keep may go on beyond the answer."""
    asked = keep + TIE_MARGIN
    while keep and len(points) == asked and points[-1].score == points[keep - 1].score:
        asked *= TIE_GROWTH
        points = shard.query(leg_request(request, leg, asked))
    return _pairs(points)


def _pairs(points: Iterable[qdrant.ScoredPoint]) -> Scored:
    # Read once: the engine builds a UUID object each time it is asked for an id.
    return [(str(point.id), point.score) for point in points]


def _cut(scored: Scored, keep: int) -> Scored:
    """Keep the best; of those tied with the last, the ones with the lowest ids."""
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:keep]


def _to_the_last_tie(scored: Scored, limit: int) -> Scored:
    if limit < 1 or not scored:
        return []
    worst = scored[min(limit, len(scored)) - 1][1]
    return [pair for pair in scored if pair[1] >= worst]


def _candidates(scored: Scored, chunks: dict[str, Chunk]) -> list[Candidate]:
    candidates = [Candidate(id_, chunks[id_], score) for id_, score in scored]
    return sorted(candidates, key=lambda hit: (-hit.score, hit.chunk.path, hit.chunk.start_line, hit.id))
