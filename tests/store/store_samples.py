"""Points to store, and a plain reference of how a store ranks them."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING

import numpy as np

from coderank.types import Chunk, Filters, Point, SparseVector

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coderank.store.contract import StoreQuery
    from coderank.types import Vector

DIMENSION = 16


def id_of(number: int) -> str:
    return str(uuid.UUID(int=number))


def chunk(number: int = 1, path: str = "src/a.py", language: str = "python", defines: tuple[str, ...] = ()) -> Chunk:
    return Chunk(path, number, number + 1, language, f"def f{number}(): ...", defines=defines)


def unit(seed: int, dimension: int = DIMENSION) -> Vector:
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    normalised: Vector = vector / np.linalg.norm(vector)
    return normalised


def sparse(**weights: float) -> SparseVector:
    """``sparse(t3=1.0)`` is weight 1.0 on term 3."""
    terms = sorted((int(name[1:]), weight) for name, weight in weights.items())
    return SparseVector(tuple(index for index, _ in terms), tuple(weight for _, weight in terms))


def point(number: int, path: str = "src/a.py", *, dense: bool = True, terms: SparseVector | None = None) -> Point:
    return Point(id_of(number), chunk(number, path), terms or sparse(t1=1.0), unit(number) if dense else None)


def corpus(size: int = 200) -> list[Point]:
    """Points in several files and languages; a third has no dense vector, a seventh has no terms."""
    rng = np.random.default_rng(7)
    points = []
    for number in range(1, size + 1):
        terms = sorted({int(term) for term in rng.zipf(1.5, 12) if term < 60}) if number % 7 else []
        weights = tuple(float(weight) for weight in rng.uniform(0.5, 2.0, len(terms)))
        points.append(
            Point(
                id_of(number),
                chunk(
                    number, f"src/file{number % 20}.py", ("python", "rust", "go")[number % 3], (f"Name{number % 10}",)
                ),
                SparseVector(tuple(terms), weights),
                None if number % 3 == 0 else unit(number),
            )
        )
    return points


class Reference:
    """Cosine and BM25 over all points in numpy and plain Python."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        lexical = [point for point in points if point.sparse.indices]
        terms = {term for point in lexical for term in point.sparse.indices}
        frequency = {term: sum(term in point.sparse.indices for point in lexical) for term in terms}
        self._idf = {term: math.log(1 + (len(lexical) - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}

    def rank(self, query: StoreQuery) -> list[tuple[str, float]]:
        """(id, score) best first, as the contract of the store defines it."""
        points = [point for point in self._points if _matches(point, query)]
        named = {point.id for point in points if {name.lower() for name in point.chunk.defines} & set(query.defines)}
        dense = {
            point.id: float(np.dot(point.dense, query.dense))
            for point in points
            if point.dense is not None and query.dense is not None
        }
        lexical = {point.id: score for point in points if (score := self._bm25(point, query.sparse)) > 0}
        single = query.sparse is None or query.dense is None
        keep = query.limit if single else query.prefetch
        joining = {id_ for leg in (dense, lexical) for id_ in _best(_only(leg, named), query.definitions)}
        union = {*_best(dense, keep), *_best(lexical, keep), *joining}
        if single:
            scores = _only(dense or lexical, union)
        else:
            assumed, weight = query.assumed_similarity, query.lexical_weight
            scores = {id_: dense.get(id_, assumed) + weight * lexical.get(id_, 0.0) for id_ in union}
        place_of = {point.id: (point.chunk.path, point.chunk.start_line, point.id) for point in points}
        ranked = sorted(scores, key=lambda id_: (-scores[id_], *place_of[id_]))
        return [(id_, scores[id_]) for place, id_ in enumerate(ranked) if place < query.limit or id_ in joining]

    def _bm25(self, point: Point, query: SparseVector | None) -> float:
        if query is None:
            return 0.0
        weights = dict(zip(point.sparse.indices, point.sparse.values, strict=True))
        pairs = zip(query.indices, query.values, strict=True)
        return sum((self._idf[term] * weight * weights[term] for term, weight in pairs if term in weights), 0.0)


def _best(scores: dict[str, float], limit: int) -> list[str]:
    """Ids of the best of one leg, ties by id."""
    return sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]


def _only(scores: dict[str, float], ids: Collection[str]) -> dict[str, float]:
    return {id_: score for id_, score in scores.items() if id_ in ids}


def _matches(point: Point, query: StoreQuery) -> bool:
    filters: Filters = query.filters
    return (not filters.paths or point.chunk.path in filters.paths) and (
        not filters.languages or point.chunk.language in filters.languages
    )
