"""What the embedded engine is told and asked: its configuration, points, queries and filters, built from ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qdrant_edge as qdrant

from coderank.store.layout import DENSE, LEXICAL, StaticVector
from coderank.store.payload import DEFINES, LANGUAGE, PATH, to_payload
from coderank.store.quantization import TURBO, Quantization

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

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


_NO_GRAPH = qdrant.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=0)
"""An exact scan of 50 k vectors takes 4 ms, building their graph many seconds of all cores."""
_STATIC_TYPE = qdrant.VectorStorageDatatype.Turbo8
"""One byte a number instead of two and a compressed copy beside: a third of the disk, no rescoring, and no cosine that
differs by more than 1e-3; of 3,000 random vectors the 50 nearest were found whole."""


def shard_config(
    dimension: int,
    quantization: Quantization = TURBO,
    *,
    static: Sequence[StaticVector] = (),
    indexing_threshold: int | None = None,
    wal: bool = True,
) -> qdrant.EdgeConfig:
    """Describe a shard of one dense and one lexical vector per point, and of ``static`` ones.

    ``indexing_threshold`` is how many KB of vectors a segment must have to be compressed; None for the engine's choice.
    ``wal`` is whether it is opened with its log, without which nothing may be written.
    """
    dense = qdrant.EdgeVectorParams(
        size=dimension,
        distance=qdrant.Distance.Cosine,
        # Half the disk and memory; measured over 50 k vectors no cosine differs by more than 5e-5 from float32.
        datatype=qdrant.VectorStorageDatatype.Float16,
        hnsw_config=_NO_GRAPH,
        quantization_config=_quantization_config(quantization),
        # Rescoring reads few of these. Cold, it reads them from the disk one by one, which also slows the model beside
        # it by 3 ms a query; cached, they are read whole at the opening, unless they still are in the page cache.
        memory=qdrant.Memory.Cached,
    )
    # Mapped: pinned terms are copied to memory at each opening, and dropped from the page cache for the next one.
    lexical = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf, memory=qdrant.Memory.Cached)
    return qdrant.EdgeConfig(
        vectors={DENSE: dense, **{one.name: _static_params(one) for one in static}},
        sparse_vectors={LEXICAL: lexical},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=indexing_threshold) if indexing_threshold else None,
        # The default drops the payload from the page cache whenever the folder is opened: 2 to 5 ms a query of disk.
        payload_memory=qdrant.Memory.Cached,
        # A compact index is one segment: more threads only hand work to each other (12.0 ms a query instead of 10.9).
        max_search_threads=1,
        wal_enabled=wal,
    )


def _static_params(static: StaticVector) -> qdrant.EdgeVectorParams:
    return qdrant.EdgeVectorParams(
        size=static.dimension,
        distance=qdrant.Distance.Cosine,
        datatype=_STATIC_TYPE,
        hnsw_config=_NO_GRAPH,
        memory=qdrant.Memory.Cached,
    )


def creation_of(static: StaticVector) -> qdrant.UpdateOperation:
    """Add a static vector to a shard that was made without; its points have none yet."""
    return qdrant.UpdateOperation.create_dense_vector(
        static.name, static.dimension, qdrant.Distance.Cosine, None, _STATIC_TYPE
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


def engine_point(point: Point, static: StaticVector | None = None) -> qdrant.Point:
    """Convert a point; a vector it lacks, or one without terms, is left out, and so is a static one without a place."""
    vectors: dict[str, qdrant.NamedVector] = {}
    if point.sparse.indices:
        vectors[LEXICAL] = _engine_sparse(point.sparse)
    if point.dense is not None:
        vectors[DENSE] = point.dense.tolist()
    if point.static is not None and static is not None:
        vectors[static.name] = point.static.tolist()
    return qdrant.Point(point.id, vectors, to_payload(point.chunk))


def _engine_sparse(vector: SparseVector) -> qdrant.SparseVector:
    return qdrant.SparseVector(list(vector.indices), list(vector.values))


@dataclass(frozen=True, slots=True)
class Leg:
    """One vector of a query, and what its score is worth in the sum."""

    query: qdrant.Query
    weight: float
    default: float
    """The score of a point that does not have the vector."""
    is_stand_in: bool = False
    """Whether only points are compared that have no dense vector."""


@dataclass(frozen=True, slots=True)
class LegRequest:
    """What one leg of a request is asked for: its best points, or the best that define one of these names."""

    leg: Leg
    keep: int
    defines: tuple[str, ...] = ()


def leg_request(one: LegRequest, filters: Filters, limit: int, quantization: Quantization) -> qdrant.QueryRequest:
    """Ask one leg for its best points."""
    fields = ((PATH, filters.paths), (LANGUAGE, filters.languages), (DEFINES, one.defines))
    conditions: list[Any] = [_any_of(field, values) for field, values in fields if values]
    return qdrant.QueryRequest(
        limit=limit,
        query=one.leg.query,
        filter=_where(conditions, one.leg),
        params=search_params(quantization),
    )


def search_params(quantization: Quantization) -> qdrant.SearchParams:
    """Say how the first pass over the dense vectors is done."""
    # By TURBO, of 25,000 chunks' true 50 nearest 82 rescored candidates hold 99.96 %: what a full scan finds.
    # Oversampling 1.5 to 3 on top changed nothing.
    asked = qdrant.QuantizationSearchParams(rescore=quantization.rescore, oversampling=quantization.oversampling)
    return qdrant.SearchParams(quantization=asked)


def legs_of(request: StoreQuery, static: StaticVector | None = None) -> list[Leg]:
    """Build the legs of a request, that of the dense vectors first; ``static`` is what the shard has of that kind."""
    legs = []
    if request.dense is not None:
        query = qdrant.Query.Nearest(request.dense.tolist(), using=DENSE)
        legs.append(Leg(query, 1.0, request.assumed_similarity))
    if request.static is not None and static is not None:
        query = qdrant.Query.Nearest(request.static.tolist(), using=static.name)
        alone = request.dense is None
        default = request.assumed_similarity if alone else request.typical_static
        legs.append(Leg(query, 1.0, default, is_stand_in=not alone))
    if request.sparse is not None:
        query = qdrant.Query.Nearest(_engine_sparse(request.sparse), using=LEXICAL)
        legs.append(Leg(query, request.lexical_weight, 0.0))
    return legs


def union_request(request: StoreQuery, legs: Sequence[Leg], ids: set[UUID]) -> qdrant.QueryRequest:
    """Score these points on all legs of a request, rank all of them by the weighted sum, and read their chunks."""
    size = max(1, len(ids))
    among = [qdrant.HasIdCondition({*ids})]
    stored = qdrant.SearchParams(exact=True)  # not by the quantized vectors
    if len(legs) == 1:
        where = _where(among, legs[0])
        return qdrant.QueryRequest(limit=size, query=legs[0].query, filter=where, params=stored, with_payload=True)
    return qdrant.QueryRequest(
        limit=size,
        prefetches=[
            qdrant.Prefetch(limit=size, query=leg.query, filter=_where(among, leg), params=stored) for leg in legs
        ],
        query=_weighted_sum(request, legs),
        with_payload=True,
    )


def _weighted_sum(request: StoreQuery, legs: Sequence[Leg]) -> qdrant.Formula:
    expression = qdrant.Expression
    scores = [expression.Variable(f"$score[{at}]") for at in range(len(legs))]
    terms = [
        score if leg.weight == 1.0 else expression.Mult([expression.Constant(leg.weight), score])
        for leg, score in zip(legs, scores, strict=True)
    ]
    if any(leg.is_stand_in for leg in legs):
        # A point has either vector: where the dense one is missing, what is typical of the other is taken off again.
        terms.append(expression.Constant(-request.typical_static))
    return qdrant.Formula(expression.Sum(terms), {f"$score[{at}]": leg.default for at, leg in enumerate(legs)})


def _where(conditions: list[Any], leg: Leg) -> qdrant.Filter | None:
    if leg.is_stand_in:
        return qdrant.Filter(must=conditions, must_not=[qdrant.HasVectorCondition(DENSE)])
    return qdrant.Filter(must=conditions) if conditions else None


def without_dense() -> qdrant.Filter:
    """Match the points that have no dense vector."""
    return qdrant.Filter(must_not=[qdrant.HasVectorCondition(DENSE)])


def without_vectors(static: StaticVector) -> qdrant.Filter:
    """Match the points that have neither a dense nor a static vector."""
    return qdrant.Filter(must_not=[qdrant.HasVectorCondition(DENSE), qdrant.HasVectorCondition(static.name)])


def with_static(static: StaticVector) -> qdrant.Filter:
    """Match the points that have a static vector."""
    return qdrant.Filter(must=[qdrant.HasVectorCondition(static.name)])


def of_paths(paths: Sequence[str]) -> qdrant.Filter:
    """Match the points of these files."""
    return qdrant.Filter(must=[_any_of(PATH, paths)])


def _any_of(field: str, values: Sequence[str]) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))
