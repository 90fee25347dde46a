"""What the embedded engine is told and asked: its configuration, points, queries and filters, built from ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import qdrant_edge as qdrant

from coderank.store.layout import DENSE, LEXICAL
from coderank.store.payload import DEFINES, LANGUAGE, PATH, to_payload
from coderank.store.quantization import TURBO, Quantization

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coderank.store.contract import StoreQuery
    from coderank.types import Filters, Point, SparseVector

_BINARY = {
    1.0: qdrant.BinaryQuantizationEncoding.OneBit,
    1.5: qdrant.BinaryQuantizationEncoding.OneAndHalfBits,
    2.0: qdrant.BinaryQuantizationEncoding.TwoBits,
}
_QUERY_ENCODING = {
    "default": qdrant.BinaryQuantizationQueryEncoding.Default,
    "binary": qdrant.BinaryQuantizationQueryEncoding.Binary,
    "scalar4bits": qdrant.BinaryQuantizationQueryEncoding.Scalar4Bits,
    "scalar8bits": qdrant.BinaryQuantizationQueryEncoding.Scalar8Bits,
}
_TURBO = {
    1.0: qdrant.TurboQuantBitSize.Bits1,
    1.5: qdrant.TurboQuantBitSize.Bits1_5,
    2.0: qdrant.TurboQuantBitSize.Bits2,
    4.0: qdrant.TurboQuantBitSize.Bits4,
}


def shard_config(
    dimension: int, quantization: Quantization = TURBO, *, indexing_threshold: int | None = None
) -> qdrant.EdgeConfig:
    """Describe a shard of one dense and one lexical vector per point.

    ``indexing_threshold`` is how many KB of vectors a segment must have to be compressed; None for the engine's choice.
    """
    # No graph: an exact scan of 50 k vectors takes 4 ms, building their graph many seconds of all cores.
    no_graph = qdrant.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=0)
    dense = qdrant.EdgeVectorParams(
        size=dimension,
        distance=qdrant.Distance.Cosine,
        # Half the disk and memory; measured over 50 k vectors no cosine differs by more than 5e-5 from float32.
        datatype=qdrant.VectorStorageDatatype.Float16,
        hnsw_config=no_graph,
        quantization_config=_quantization_config(quantization),
        # Rescoring reads few of these. Cold, it reads them from the disk one by one, which also slows the model beside
        # it by 3 ms a query; cached, they are read whole at the opening, unless they still are in the page cache.
        memory=qdrant.Memory.Cached,
    )
    # Mapped: pinned terms are copied to memory at each opening, and dropped from the page cache for the next one.
    lexical = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf, memory=qdrant.Memory.Cached)
    return qdrant.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors={LEXICAL: lexical},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=indexing_threshold) if indexing_threshold else None,
        # The default drops the payload from the page cache whenever the folder is opened: 2 to 5 ms a query of disk.
        payload_memory=qdrant.Memory.Cached,
        # A compact index is one segment: more threads only hand work to each other (12.0 ms a query instead of 10.9).
        max_search_threads=1,
    )


def _quantization_config(
    wanted: Quantization,
) -> qdrant.BinaryQuantizationConfig | qdrant.ScalarQuantizationConfig | qdrant.TurboQuantQuantizationConfig | None:
    memory = qdrant.Memory.Pinned if wanted.in_memory else qdrant.Memory.Cached
    if wanted.kind == "binary":
        encoded = _QUERY_ENCODING[wanted.query_encoding]
        return qdrant.BinaryQuantizationConfig(encoding=_BINARY[wanted.bits], query_encoding=encoded, memory=memory)
    if wanted.kind == "scalar":
        return qdrant.ScalarQuantizationConfig(qdrant.ScalarType.Int8, quantile=wanted.quantile, memory=memory)
    if wanted.kind == "turbo":
        return qdrant.TurboQuantQuantizationConfig(bits=_TURBO[wanted.bits], memory=memory)
    return None


def field_index() -> qdrant.KeywordIndexParams:
    """Describe the index of a field that queries filter by."""
    # Mapped instead of read: opening 50 k points takes 90 ms instead of 150.
    return qdrant.KeywordIndexParams(memory=qdrant.Memory.Cached)


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


@dataclass(frozen=True, slots=True)
class LegRequest:
    """What one leg of a request is asked for: its best points, or the best that define one of these names."""

    leg: qdrant.Query
    keep: int
    defines: tuple[str, ...] = ()


def leg_request(one: LegRequest, filters: Filters, limit: int, quantization: Quantization) -> qdrant.QueryRequest:
    """Ask one leg for its best points."""
    return qdrant.QueryRequest(
        limit=limit,
        query=one.leg,
        filter=_where(filters, one.defines),
        params=search_params(quantization),
    )


def search_params(quantization: Quantization) -> qdrant.SearchParams:
    """Say how the first pass over the dense vectors is done."""
    # By TURBO, of 25,000 chunks' true 50 nearest 82 rescored candidates hold 99.96 %: what a full scan finds.
    # Oversampling 1.5 to 3 on top changed nothing.
    asked = qdrant.QuantizationSearchParams(rescore=quantization.rescore, oversampling=quantization.oversampling)
    return qdrant.SearchParams(quantization=asked)


def legs_of(request: StoreQuery) -> list[qdrant.Query]:
    """Build the queries of the legs that a request asks, the dense one first."""
    queries = []
    if request.dense is not None:
        queries.append(qdrant.Query.Nearest(request.dense.tolist(), using=DENSE))
    if request.sparse is not None:
        queries.append(qdrant.Query.Nearest(_engine_sparse(request.sparse), using=LEXICAL))
    return queries


def union_request(request: StoreQuery, legs: Sequence[qdrant.Query], ids: Collection[str]) -> qdrant.QueryRequest:
    """Score these points on all legs of a request, rank all of them by the weighted sum, and read their chunks."""
    size = max(1, len(ids))
    among = qdrant.Filter(must=[qdrant.HasIdCondition(set(ids))])
    stored = qdrant.SearchParams(exact=True)  # not by the quantized vectors
    if len(legs) == 1:
        return qdrant.QueryRequest(limit=size, query=legs[0], filter=among, params=stored, with_payload=True)
    return qdrant.QueryRequest(
        limit=size,
        prefetches=[qdrant.Prefetch(limit=size, query=leg, filter=among, params=stored) for leg in legs],
        query=_weighted_sum(request),
        with_payload=True,
    )


def _weighted_sum(request: StoreQuery) -> qdrant.Formula:
    expression = qdrant.Expression
    weighted = expression.Mult([expression.Constant(request.lexical_weight), expression.Variable("$score[1]")])
    return qdrant.Formula(
        expression.Sum([expression.Variable("$score[0]"), weighted]),
        {"$score[0]": request.assumed_similarity, "$score[1]": 0.0},
    )


def _where(filters: Filters, defines: Sequence[str]) -> qdrant.Filter | None:
    fields = ((PATH, filters.paths), (LANGUAGE, filters.languages), (DEFINES, defines))
    conditions = [_any_of(field, values) for field, values in fields if values]
    return qdrant.Filter(must=[*conditions]) if conditions else None


def without_dense() -> qdrant.Filter:
    """Match the points that have no dense vector."""
    return qdrant.Filter(must_not=[qdrant.HasVectorCondition(DENSE)])


def of_paths(paths: Sequence[str]) -> qdrant.Filter:
    """Match the points of these files."""
    return qdrant.Filter(must=[_any_of(PATH, paths)])


def _any_of(field: str, values: Sequence[str]) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))
