from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.store_samples import DIMENSION, chunk, id_of, point, sparse, unit

from coderank.store.contract import StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.edge_chunks import Found, ReadChunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.types import Candidate


class Shard:
    """Holds the points 1 to 9, and notes which were read."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def read(self, ids: Sequence[uuid.UUID]) -> dict[int, Found]:
        self.asked += [id_.int for id_ in ids]
        return {id_.int: Found(str(id_), chunk(id_.int)) for id_ in ids if 0 < id_.int < 10}


@pytest.fixture
def shard() -> Shard:
    return Shard()


def ask(chunks: ReadChunks, shard: Shard, *numbers: int) -> dict[int, str]:
    found = chunks.of([uuid.UUID(int=number) for number in numbers], shard.read)
    assert all(found[number].id == id_of(number) for number in numbers if number in found)
    return {number: found[number].chunk.content for number in numbers if number in found}


def test_a_chunk_is_read_once(shard: Shard) -> None:
    chunks = ReadChunks()
    assert ask(chunks, shard, 1, 2) == {1: chunk(1).content, 2: chunk(2).content}
    assert ask(chunks, shard, 2, 3) == {2: chunk(2).content, 3: chunk(3).content}
    assert shard.asked == [1, 2, 3]


def test_what_does_not_exist_is_absent_and_asked_for_again(shard: Shard) -> None:
    chunks = ReadChunks()
    for _ in range(2):
        assert ask(chunks, shard, 99) == {}
    assert shard.asked == [99, 99]


def test_what_was_forgotten_is_read_again(shard: Shard) -> None:
    chunks = ReadChunks()
    ask(chunks, shard, 1)
    chunks.forget()
    ask(chunks, shard, 1)
    assert shard.asked == [1, 1]


def test_those_read_first_are_dropped_first(shard: Shard) -> None:
    chunks = ReadChunks(keep_characters=3 * len(chunk(1).content))
    ask(chunks, shard, 1, 2, 3, 4)
    ask(chunks, shard, 1)
    assert shard.asked == [1, 2, 3, 4], "nothing of a question in hand is dropped"
    chunks.trim()
    ask(chunks, shard, 2, 3, 4)
    assert shard.asked == [1, 2, 3, 4]
    ask(chunks, shard, 1)
    chunks.trim()
    ask(chunks, shard, 3, 4, 1, 2)
    assert shard.asked == [1, 2, 3, 4, 1, 2]


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
