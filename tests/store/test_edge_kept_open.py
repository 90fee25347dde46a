"""A store that is kept open tells of what is there now, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.store_samples import DIMENSION, chunk, id_of, point, sparse, unit

from coderank.store.contract import StoreQuery
from coderank.store.edge import EdgeStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.types import Candidate


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EdgeStore]:
    made = EdgeStore(tmp_path / "index", DIMENSION)
    made.upsert([point(number) for number in range(1, 6)])
    yield made
    made.close()


def found(store: EdgeStore) -> list[Candidate]:
    return store.query(StoreQuery(unit(1), sparse(t1=1.0), limit=10))


def test_what_is_written_is_seen_by_the_next_question(store: EdgeStore) -> None:
    before = {one.id: one.chunk for one in found(store)}
    assert before == {id_of(number): chunk(number) for number in range(1, 6)}
    moved = chunk(40, path="src/b.py")
    store.move({id_of(4): moved})
    store.delete([id_of(5)])
    expected = {number: chunk(number) for number in range(1, 4)} | {4: moved}
    assert {one.id: one.chunk for one in found(store)} == {id_of(number): one for number, one in expected.items()}


def test_what_another_process_wrote_is_seen_by_the_next_question(store: EdgeStore, tmp_path: Path) -> None:
    assert len(found(store)) == 5
    moved = chunk(40, path="src/b.py")
    other = EdgeStore(tmp_path / "index", DIMENSION)
    other.move({id_of(4): moved})
    other.close()
    assert {one.id: one.chunk for one in found(store)}[id_of(4)] == moved


def test_points_are_counted_anew_after_another_process_wrote(store: EdgeStore, tmp_path: Path) -> None:
    assert store.counts().points == 5
    other = EdgeStore(tmp_path / "index", DIMENSION)
    other.delete([id_of(4)])
    other.close()
    assert store.counts().points == 4
