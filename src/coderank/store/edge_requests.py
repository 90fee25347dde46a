"""What the embedded engine is told and asked: its configuration, points, queries and filters, built from ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qdrant_edge as qdrant

from coderank.store.payload import DEFINES, LANGUAGE, PATH, to_payload

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coderank.store.contract import StoreQuery
    from coderank.types import Point, SparseVector

DENSE = "dense"
LEXICAL = "lexical"


def shard_config(dimension: int) -> qdrant.EdgeConfig:
    """Describe a shard of one dense and one lexical vector per point."""
    # No graph: an exact scan of 50 k vectors takes 4 ms, building their graph many seconds of all cores.
    no_graph = qdrant.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=0)
    dense = qdrant.EdgeVectorParams(
        size=dimension,
        distance=qdrant.Distance.Cosine,
        # Half the disk and memory; measured over 50 k vectors no cosine differs by more than 5e-5 from float32.
        datatype=qdrant.VectorStorageDatatype.Float16,
        hnsw_config=no_graph,
    )
    lexical = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)
    return qdrant.EdgeConfig(vectors={DENSE: dense}, sparse_vectors={LEXICAL: lexical})


def engine_point(point: Point) -> qdrant.Point:
    """Convert a point; a vector it lacks, or one without terms, is left out."""
    vectors: dict[str, qdrant.NamedVector] = {}
    if point.sparse.indices:
        vectors[LEXICAL] = _engine_sparse(point.sparse)
    if point.dense is not None:
        vectors[DENSE] = point.dense.tolist()
    return qdrant.Point(point.id, vectors, to_payload(point.chunk))


def _engine_sparse(vector: SparseVector) -> qdrant.SparseVector:
    return qdrant.SparseVector(list(vector.indices), list(vector.values))


def leg_count(request: StoreQuery) -> int:
    """Count the legs that a request asks."""
    return (request.dense is not None) + (request.sparse is not None)


def leg_request(request: StoreQuery, leg: int, limit: int) -> qdrant.QueryRequest:
    """Ask one leg of a request for its best points."""
    return qdrant.QueryRequest(limit=limit, query=_queries(request)[leg], filter=_where(request))


def _queries(request: StoreQuery) -> list[qdrant.Query]:
    queries = []
    if request.dense is not None:
        queries.append(qdrant.Query.Nearest(request.dense.tolist(), using=DENSE))
    if request.sparse is not None:
        queries.append(qdrant.Query.Nearest(_engine_sparse(request.sparse), using=LEXICAL))
    return queries


def union_request(request: StoreQuery, ids: Collection[str]) -> qdrant.QueryRequest:
    """Score these points on both legs of a hybrid request and rank all of them by the weighted sum."""
    size = max(1, len(ids))
    among = qdrant.Filter(must=[qdrant.HasIdCondition(set(ids))])
    prefetches = [qdrant.Prefetch(limit=size, query=query, filter=among) for query in _queries(request)]
    expression = qdrant.Expression
    weighted = expression.Mult([expression.Constant(request.lexical_weight), expression.Variable("$score[1]")])
    formula = qdrant.Formula(
        expression.Sum([expression.Variable("$score[0]"), weighted]),
        {"$score[0]": request.assumed_similarity, "$score[1]": 0.0},
    )
    return qdrant.QueryRequest(limit=size, prefetches=prefetches, query=formula)


def _where(request: StoreQuery) -> qdrant.Filter | None:
    conditions = [
        _any_of(field, values)
        for field, values in (
            (PATH, request.filters.paths),
            (LANGUAGE, request.filters.languages),
            (DEFINES, request.defines),
        )
        if values
    ]
    return qdrant.Filter(must=[*conditions]) if conditions else None


def without_dense() -> qdrant.Filter:
    """Match the points that have no dense vector."""
    return qdrant.Filter(must_not=[qdrant.HasVectorCondition(DENSE)])


def of_paths(paths: Sequence[str]) -> qdrant.Filter:
    """Match the points of these files."""
    return qdrant.Filter(must=[_any_of(PATH, paths)])


def _any_of(field: str, values: Sequence[str]) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))
