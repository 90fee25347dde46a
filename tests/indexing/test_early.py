"""Vectors that are made while files are read."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.indexing.indexing_world import HashEmbedder, MemoryStore, World

from coderank.errors import ModelUnavailableError
from coderank.indexing.early import AT_ONCE, EarlyVectors
from coderank.indexing.parts import Early
from coderank.indexing.run import Indexer
from coderank.types import Chunk

TABLE = HashEmbedder(dimension=8)


def chunks(count: int, path: str = "a.py") -> dict[str, Chunk]:
    return {f"{path}-{n}": Chunk(path, n, n, "python", f"line {n} of {path}") for n in range(1, count + 1)}


def world(tmp_path: Path, *, is_own: bool) -> tuple[World, MemoryStore]:
    store = MemoryStore()
    made = World(tmp_path, store)
    table = HashEmbedder(dimension=8) if not is_own else made.embedder
    made.parts = replace(made.parts, early=Early(lambda: table, is_own=is_own))
    made.indexer = Indexer(made.parts)
    for number in range(3):
        made.write(f"f{number}.py", f"def f{number}():\n    return {number}\n")
    return made, store


def test_chunks_get_their_own_vectors_whatever_they_are_embedded_with() -> None:
    with EarlyVectors(Early(lambda: TABLE, is_own=False)) as early:
        first, second = chunks(AT_ONCE + 5), chunks(3, "b.py")
        early.begin(first)
        early.begin(second)
        found = early.take([*second, *list(first)[5:]])
        assert found.keys() == second.keys() | set(list(first)[5:])
        for id_, vector in found.items():
            chunk = (first | second)[id_]
            np.testing.assert_array_equal(vector, TABLE.embed_query(f"{chunk.path}\n{chunk.content}"))
        early.begin(third := chunks(1, "c.py"))
        assert early.take(third).keys() == third.keys()


def test_without_a_table_there_is_nothing() -> None:
    with EarlyVectors(None) as early:
        early.begin(chunks(2))
        assert early.take(chunks(2)) == {}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("coderank-early")]


def test_a_sync_writes_static_vectors_and_leaves_the_others_to_the_fill(tmp_path: Path) -> None:
    made, store = world(tmp_path, is_own=False)
    report = made.indexer.sync()
    assert (report.embedded_chunks, report.dense_coverage, made.embedder.texts) == (0, 0.0, [])
    assert all(point.static is not None and point.dense is None for point in store.points.values())
    made.indexer.fill()
    assert all(point.static is not None and point.dense is not None for point in store.points.values())


def test_a_sync_of_an_index_of_the_table_itself_is_all_there_is_to_do(tmp_path: Path) -> None:
    made, store = world(tmp_path, is_own=True)
    report = made.indexer.sync()
    assert (report.embedded_chunks, report.dense_coverage) == (3, 1.0)
    assert all(point.static is None and point.dense is not None for point in store.points.values())
    assert made.indexer.fill().embedded == 0
    assert made.manifest.filled()


def test_points_without_any_vector_get_static_ones_before_the_model_is_asked(tmp_path: Path) -> None:
    made, store = world(tmp_path, is_own=False)
    made.indexer.sync()
    store.points = {id_: replace(point, static=None) for id_, point in store.points.items()}
    made.indexer.fill(deadline=0.0)  # no time is left
    assert all(point.static is None for point in store.points.values())
    made.embedder.refuse = "return"
    made.indexer.fill()
    assert all(point.static is not None and point.dense is None for point in store.points.values())


def test_a_table_that_cannot_be_read_stops_the_sync_and_the_next_one_makes_up(tmp_path: Path) -> None:
    made, store = world(tmp_path, is_own=False)

    def fail() -> HashEmbedder:
        raise ModelUnavailableError("the weights are damaged", "Get them again")

    broken = Indexer(replace(made.parts, early=Early(fail, is_own=False)))
    with pytest.raises(ModelUnavailableError, match="damaged"):
        broken.sync()
    assert not store.points
    assert made.indexer.sync().chunks == len(store.points) == 3
