"""The contract of a store, run over every implementation."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.store_samples import DIMENSION, Reference, chunk, corpus, id_of, point, sparse, unit

from coderank.errors import StoreError
from coderank.store.contract import Counts, StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.server import ServerStore
from coderank.types import Chunk, Filters, Point, SparseVector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.store.servers import Servers

    from coderank.store.contract import Store
    from coderank.types import Vector

IMPLEMENTATIONS: dict[str, Callable[[Path, Servers], Store]] = {
    "edge": lambda folder, _: EdgeStore(folder / "index", DIMENSION),
    "server": lambda _, servers: ServerStore(servers.connection(), servers.collection(), DIMENSION),
    "grpc": lambda _, servers: ServerStore(servers.connection(grpc=True), servers.collection(), DIMENSION),
}
CLOSE = 2e-3
"""Vectors are stored with 11 significant bits; in 16 dimensions a cosine is off by up to 1e-3."""


@pytest.fixture(params=IMPLEMENTATIONS)
def store(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Iterator[Store]:
    made = IMPLEMENTATIONS[request.param](tmp_path, servers)
    yield made
    made.close()


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: Servers
) -> Iterator[Store]:
    made = IMPLEMENTATIONS[request.param](tmp_path_factory.mktemp("filled"), servers)
    made.upsert(corpus())
    yield made
    made.close()


def ask(store: Store, query: StoreQuery) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in store.query(query)]


def lexical(limit: int = 10, **weights: float) -> StoreQuery:
    return StoreQuery(None, sparse(**weights), limit)


def test_an_empty_store_answers_with_nothing(store: Store) -> None:
    both = StoreQuery(unit(1), sparse(t1=1.0), 5, lexical_weight=0.1)
    assert [store.query(query) for query in (both, StoreQuery(unit(1), None, 5), lexical(t1=1.0))] == [[], [], []]
    assert store.counts() == Counts(0, 0)
    assert store.retrieve([id_of(1)]) == {}
    assert store.chunks_of(["a"]) == {}
    assert list(store.without_dense()) == []


def test_writing_nothing_is_allowed(store: Store) -> None:
    store.upsert([])
    store.set_dense([], np.empty((0, DIMENSION), np.float32))
    store.move({})
    store.delete([])
    store.delete_paths([])
    assert store.counts() == Counts(0, 0)


def test_a_chunk_comes_back_as_it_was(store: Store) -> None:
    original = Chunk("a/b c.py", 3, 9, "python", "x\n\ty\u00e9\0", "A.b", "def b(self)", ("B", "straße", "İ"))
    store.upsert([point(1), point(2, "other")])
    store.move({id_of(1): original})
    assert store.retrieve([id_of(1), id_of(9)]) == {id_of(1): original}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])), line=st.integers(0, 2**31))
def test_any_text_survives(store: Store, text: str, line: int) -> None:
    original = Chunk(text, line, line, text, text, text, text, (text,))
    store.upsert([point(1)])
    store.move({id_of(1): original})
    assert store.chunks_of([text]) == {id_of(1): original}


def test_upsert_replaces_the_whole_point(store: Store) -> None:
    store.upsert([point(1), point(1, "new", dense=False, terms=sparse(t2=1.0))])
    assert store.counts() == Counts(1, 0)
    assert store.retrieve([id_of(1)])[id_of(1)].path == "new"
    assert ask(store, lexical(t1=1.0)) == []
    assert len(ask(store, lexical(t2=1.0))) == 1


def test_more_points_than_one_batch(store: Store) -> None:
    store.upsert([point(number, dense=False) for number in range(1, 1301)])
    ids = [id_of(number) for number in range(1, 1201)]
    store.set_dense(ids, np.stack([unit(number) for number in range(1, 1201)]))
    assert store.counts() == Counts(1300, 1200)
    assert len(store.chunks_of(["src/a.py"])) == 1300
    store.delete(ids)
    assert {id_ for id_, _ in store.without_dense()} == {id_of(number) for number in range(1201, 1301)}


def test_set_dense_attaches_to_existing_points_only(store: Store) -> None:
    store.upsert([point(1, dense=False), point(2, dense=False)])
    store.delete([id_of(2)])
    store.set_dense([id_of(2), id_of(1), id_of(3)], np.stack([unit(2), unit(1), unit(3)]))
    assert store.counts() == Counts(1, 1)
    ((id_, score),) = ask(store, StoreQuery(unit(1), None, 5))
    assert id_ == id_of(1)
    assert score == pytest.approx(1.0, abs=CLOSE)
    assert ask(store, lexical(t1=1.0))[0][0] == id_of(1)


def test_move_keeps_vectors_and_ignores_unknown_ids(store: Store) -> None:
    store.upsert([point(1)])
    store.move({id_of(1): chunk(5, "moved.py", "rust"), id_of(2): chunk(1)})
    assert store.counts() == Counts(1, 1)
    (hit,) = store.query(StoreQuery(unit(1), None, 5, filters=Filters(languages=("rust",))))
    assert hit.chunk == chunk(5, "moved.py", "rust")


def test_delete_by_id_and_by_path(store: Store) -> None:
    store.upsert([point(1), point(2), point(3, "b.py"), point(4, "c.py")])
    store.delete([id_of(1), id_of(99)])
    store.delete_paths(["b.py", "nowhere"])
    assert set(store.retrieve([id_of(number) for number in range(1, 5)])) == {id_of(2), id_of(4)}
    assert set(store.chunks_of(["c.py", "b.py"])) == {id_of(4)}


def test_without_dense_lists_ids_with_paths(store: Store) -> None:
    store.upsert([point(1), point(2, "b.py", dense=False), point(3, dense=False)])
    assert sorted(store.without_dense()) == [(id_of(2), "b.py"), (id_of(3), "src/a.py")]


def test_without_dense_can_be_filled_while_it_is_read(store: Store) -> None:
    store.upsert([point(number, dense=False) for number in range(1, 1501)])
    bare = store.without_dense()
    while ids := [id_ for id_, _ in islice(bare, 20)]:
        store.set_dense(ids, np.stack([unit(1)] * len(ids)))
    assert store.counts() == Counts(1500, 1500)


QUERIES = [
    StoreQuery(unit(500), sparse(t1=1.0, t3=0.5, t9=1.0), limit, prefetch, weight, assumed, filters, defines, 4)
    for limit, prefetch, weight, assumed in (
        (10, 100, 0.05, 0.0),
        (10, 5, 0.05, 0.25),
        (30, 12, 1.0, 0.1),
        (5, 3, 0.0, 0.0),
        (300, 400, 0.2, 0.25),
    )
    for filters, defines in (
        (Filters(), ()),
        (Filters(languages=("rust", "go")), ()),
        (Filters(paths=("src/file3.py", "src/file4.py", "src/file5.py", "none")), ()),
        (Filters(languages=("python",)), ("name3", "name6")),
    )
]


@pytest.mark.parametrize("query", QUERIES)
def test_both_legs_score_the_union_like_the_reference(filled: Store, query: StoreQuery) -> None:
    assert_same(ask(filled, query), Reference(corpus()).rank(query))


@pytest.mark.parametrize("query", QUERIES)
def test_one_leg_scores_like_the_reference(filled: Store, query: StoreQuery) -> None:
    for single in (
        replace(query, sparse=None),
        replace(query, dense=None),
    ):
        assert_same(ask(filled, single), Reference(corpus()).rank(single))


def assert_same(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    """Equal scores by rank; equal ids but for points whose scores differ less than the stored precision."""
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=CLOSE)
    scores = dict(expected)
    last = expected[-1][1] if expected else 0.0
    for id_, score in found:
        assert scores.get(id_, last) == pytest.approx(score, abs=CLOSE)


def test_a_point_without_dense_vector_is_found_by_its_words(store: Store) -> None:
    store.upsert([point(1), point(2, dense=False, terms=sparse(t8=2.0))])
    found = ask(store, StoreQuery(unit(1), sparse(t8=1.0), 5, prefetch=1, lexical_weight=10.0))
    assert [id_ for id_, _ in found] == [id_of(2), id_of(1)]


def test_a_missing_vector_counts_as_the_assumed_similarity(store: Store) -> None:
    store.upsert([point(1), point(2, dense=False, terms=sparse(t8=2.0))])
    query = StoreQuery(-unit(1), sparse(t8=1.0), 5, assumed_similarity=0.25)
    assert dict(ask(store, query)) == pytest.approx({id_of(2): 0.25, id_of(1): -1.0}, abs=CLOSE)


def test_terms_nobody_has_and_no_terms_at_all(filled: Store) -> None:
    assert ask(filled, lexical(t4000000000=1.0)) == []
    assert ask(filled, lexical()) == []
    dense_only = [id_ for id_, _ in ask(filled, StoreQuery(unit(2), None, 5))]
    assert [id_ for id_, _ in ask(filled, StoreQuery(unit(2), SparseVector((), ()), 5))] == dense_only


@pytest.mark.parametrize("dense", [None, unit(1)])
def test_ties_go_by_path_then_line_also_where_the_list_ends(store: Store, dense: Vector | None) -> None:
    numbers = np.random.default_rng(1).permutation(np.arange(1, 31)).tolist()
    store.upsert([point(number, f"f{number % 3}", dense=False) for number in numbers])
    hits = store.query(StoreQuery(dense, sparse(t1=1.0), 7, prefetch=50, lexical_weight=0.5))
    assert [(hit.chunk.path, hit.chunk.start_line) for hit in hits] == [("f0", line) for line in range(3, 24, 3)]


def test_ties_where_a_leg_ends_go_by_id(store: Store) -> None:
    numbers = np.random.default_rng(1).permutation(np.arange(1, 31)).tolist()
    store.upsert([point(number, dense=False) for number in numbers])
    found = ask(store, StoreQuery(unit(1), sparse(t1=1.0), 30, prefetch=7, lexical_weight=0.5))
    assert [id_ for id_, _ in found] == [id_of(number) for number in range(1, 8)]


def test_a_vector_of_another_dimension_is_refused(store: Store) -> None:
    wrong = unit(1, 24)
    with pytest.raises(StoreError, match=r"24.*16"):
        store.query(StoreQuery(wrong, None, 5))
    with pytest.raises(StoreError, match=r"24.*16"):
        store.set_dense([id_of(1)], wrong[None])
    with pytest.raises(StoreError, match=r"24.*16"):
        store.upsert([Point(id_of(1), chunk(), sparse(t1=1.0), wrong)])
    assert store.counts() == Counts(0, 0)


def test_senseless_requests_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="it has none"):
        store.query(StoreQuery(None, None, 5))
    with pytest.raises(StoreError, match="2 ids but 1 vectors"):
        store.set_dense([id_of(1), id_of(2)], unit(1)[None])


def test_a_closed_store_opens_again_with_everything(store: Store) -> None:
    store.upsert(corpus(50))
    before = [store.query(query) for query in QUERIES], store.counts()
    store.close()
    store.close()
    assert ([store.query(query) for query in QUERIES], store.counts()) == before


def test_ties_are_cut_by_path_however_many_there_are(store: Store) -> None:
    same = SparseVector(indices=(7,), values=(1.0,))
    points = [point(number, f"src/f{number:03}.py", terms=same) for number in range(1, 201)]
    store.upsert(points[::-1])
    found = store.query(StoreQuery(dense=None, sparse=same, limit=5))
    assert [hit.chunk.path for hit in found] == [item.chunk.path for item in points[:5]]
