"""Vectors that stand in for dense ones, in the embedded store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.store.store_samples import DIMENSION, chunk, id_of, point, sparse, unit

from coderank.errors import StoreError
from coderank.store.contract import Counts, StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.edge_points import open_edge_points
from coderank.store.edge_shard import static_vectors
from coderank.store.layout import StaticVector

if TYPE_CHECKING:
    from coderank.types import Candidate, Point, Vector

STATIC = StaticVector("table-1", 24)
OTHER = StaticVector("table-2", 8)
NEAR = 4e-3
"""How near a cosine of vectors with a byte a number comes to that of whole ones."""


def opened(tmp_path: Path, static: StaticVector | None = STATIC) -> EdgeStore:
    return EdgeStore(tmp_path / "index", DIMENSION, static=static)


def both(number: int, *, dense: bool = True, terms: str = "t1", static: StaticVector = STATIC) -> Point:
    made = replace(point(number, dense=dense), sparse=sparse(**{terms: 1.0}))
    return replace(made, static=unit(1000 + number, static.dimension))


def numbers(found: list[Candidate]) -> list[int]:
    return [candidate.chunk.start_line for candidate in found]


def cosine(number: int, query: Vector) -> float:
    return float(unit(1000 + number, len(query)) @ query)


def test_static_vectors_alone_are_a_leg_like_dense_ones(tmp_path: Path) -> None:
    query = unit(5, STATIC.dimension)
    with closing(opened(tmp_path)) as store:
        store.upsert([both(number, dense=number % 2 == 0) for number in range(1, 61)])
        found = store.query(StoreQuery(None, None, 60, static=query))
        assert sorted(numbers(found)) == list(range(1, 61))
        assert [hit.score for hit in found] == pytest.approx([cosine(n, query) for n in numbers(found)], abs=NEAR)
        fused = store.query(StoreQuery(None, sparse(t1=1.0), 60, lexical_weight=0.5, static=query))
        assert numbers(fused)[:5] == numbers(found)[:5]
        assert fused[0].score > found[0].score


def test_gaps_of_the_dense_leg_are_filled_on_its_scale(tmp_path: Path) -> None:
    query, meant = unit(5, STATIC.dimension), unit(6)
    request = StoreQuery(meant, None, 20, assumed_similarity=0.3, static=query, typical_static=0.2)
    with closing(opened(tmp_path)) as store:
        store.upsert([both(number, dense=number > 3) for number in range(1, 21)])
        store.upsert([replace(both(21, dense=False), static=None)])
        assert store.counts() == Counts(21, 17, 20)
        for asked in (request, replace(request, sparse=sparse(t1=1.0))):  # a weight of 0: the same scores
            found = {hit.chunk.start_line: hit.score for hit in store.query(replace(asked, limit=21))}
            for number, score in found.items():
                dense = 0.3 if number in {1, 2, 3, 21} else float(unit(number) @ meant)
                gap = cosine(number, query) - 0.2 if number in {1, 2, 3} else 0.0
                assert score == pytest.approx(dense + gap, abs=NEAR)
            assert found.keys() >= set(range(1, 21))


def test_definitions_are_found_by_static_vectors_too(tmp_path: Path) -> None:
    query = unit(5, STATIC.dimension)
    named = [replace(both(n, dense=False), chunk=replace(chunk(n), defines=("Here",))) for n in (1, 2)]
    with closing(opened(tmp_path)) as store:
        store.upsert([*named, *(both(number) for number in range(3, 40))])
        request = StoreQuery(unit(9), None, 1, prefetch=1, static=query, defines=("here",), definitions=1)
        assert numbers(store.query(request))[-1] == max((1, 2), key=lambda number: cosine(number, query))


def test_an_index_without_gets_a_place_when_it_is_written(tmp_path: Path) -> None:
    with closing(opened(tmp_path, None)) as store:
        store.upsert([point(number, dense=number == 1) for number in range(1, 4)])
    with closing(opened(tmp_path)) as store:
        assert store.counts() == Counts(3, 1, 0)
        with pytest.raises(StoreError, match="no vectors to compare"):
            store.query(StoreQuery(None, None, 5, static=unit(5, STATIC.dimension)))
        assert static_vectors(tmp_path / "index" / "shard") == []
        store.upsert([both(4, dense=False)])
        assert store.counts() == Counts(4, 1, 1)
        bare = list(store.without_vectors())
        assert sorted(bare) == [id_of(2), id_of(3)]
        store.set_static([*bare, id_of(99)], np.stack([unit(n, STATIC.dimension) for n in (2, 3, 99)]))
        assert (store.counts(), list(store.without_vectors())) == (Counts(4, 1, 3), [])
        assert numbers(store.query(StoreQuery(None, None, 1, static=unit(3, STATIC.dimension)))) == [3]


def test_vectors_of_another_table_are_dropped(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.upsert([both(number, dense=False) for number in range(1, 4)])
    with closing(opened(tmp_path, OTHER)) as store:
        assert store.counts() == Counts(3, 0, 0)
        store.upsert([both(4, static=OTHER)])
        assert store.counts() == Counts(4, 1, 1)
        assert len(list(store.without_vectors())) == 3
    assert static_vectors(tmp_path / "index" / "shard") == [OTHER]


def test_who_keeps_none_goes_on_with_an_index_that_has_them(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.upsert([both(1, dense=False)])
    with closing(opened(tmp_path, None)) as store:
        store.upsert([both(2, dense=False)])
        store.set_static([id_of(2)], unit(1, STATIC.dimension)[None])
        assert (store.counts(), list(store.without_vectors())) == (Counts(2, 0, 0), [])
    with closing(opened(tmp_path)) as store:
        assert (store.counts(), list(store.without_vectors())) == (Counts(2, 0, 1), [id_of(2)])


def test_a_place_is_made_although_the_index_is_open(tmp_path: Path) -> None:
    with closing(opened(tmp_path, None)) as old, closing(opened(tmp_path)) as new:
        old.upsert([point(1)])
        assert new.counts() == Counts(1, 1, 0)
        new.upsert([both(2, dense=False)])
        assert new.counts() == Counts(2, 1, 1)
        old.upsert([point(3)])
        assert old.counts() == Counts(3, 3 - 1, 0)


def test_they_survive_compaction_and_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    points = [both(number, dense=False) for number in range(1, 400)]
    request = StoreQuery(None, None, 50, static=unit(5, STATIC.dimension))
    with closing(opened(tmp_path / "one")) as one, closing(opened(tmp_path / "two")) as two:
        one.upsert(points)
        two.upsert(points[200:])
        two.upsert(points[:200])
        two.optimize()
        found = one.query(request)
        assert [(hit.id, hit.score) for hit in two.query(request)] == [(hit.id, hit.score) for hit in found]


def test_a_text_without_weight_resembles_nothing(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.upsert([both(1, dense=False), replace(both(2, dense=False), static=np.zeros(24, np.float32))])
        query = unit(1001, STATIC.dimension)
        found = {hit.chunk.start_line: hit.score for hit in store.query(StoreQuery(None, None, 5, static=query))}
        assert found[1] == pytest.approx(1.0, abs=NEAR)
        assert found[2] == pytest.approx(0.0, abs=NEAR)


def test_raw_points_leave_them_out(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.upsert([both(1), both(2, dense=False)])
    with closing(open_edge_points(tmp_path / "index")) as points:
        assert {spec.name for spec in points.specs()} == {"dense", "lexical"}
        (page,) = points.pages(vectors=True)
        assert [sorted(one.vectors) for one in page] == [["dense", "lexical"], ["lexical"]]
        assert [sorted(one.vectors) for one in points.retrieve([id_of(1)], vectors=True)] == [["dense", "lexical"]]
        points.write(page)
        assert points.count() == 2
