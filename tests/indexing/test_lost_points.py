"""A store that lost points: noticed, made up for, and never searched meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.indexing.indexing_world import DIMENSION, MemoryStore, World, source

from coderank.errors import IndexCorruptError
from coderank.indexing.sync import consistent
from coderank.store.edge import EdgeStore
from coderank.types import IndexPhase, Progress


def test_lost_points_are_noticed_and_written_again(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    store.points.clear()
    world.write("src/delta.py", source("delta"))
    report = world.indexer.index()
    assert store.kept_paths() == {"src/alpha.py", "src/beta.py", "src/gamma.py", "src/delta.py"}
    assert report.dense_coverage == 1.0


def test_a_repair_that_was_interrupted_is_not_taken_for_a_whole_index(world: World, store: MemoryStore) -> None:
    def interrupt(event: Progress) -> None:
        if event.phase is IndexPhase.READ and len(store.points) < whole and event.done == 2:
            raise KeyboardInterrupt

    world.indexer.index()
    whole = len(store.points)
    store.points.clear()
    world.manifest.begin_all()
    with pytest.raises(KeyboardInterrupt):
        world.indexer.sync(interrupt)
    assert not consistent(world.manifest, store)
    world.indexer.sync()
    assert consistent(world.manifest, store)


@pytest.mark.parametrize("asked", ["revision", "unfinished"])
def test_a_writer_that_ends_while_the_index_is_looked_at_is_not_taken_for_a_loss(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    world.indexer.index()
    manifest, points = world.manifest, dict(store.points)
    row = next(iter(manifest.files()))
    manifest.begin([row.path])
    store.points.pop(next(id_ for id_, point in points.items() if point.chunk.path == row.path))
    was, left = getattr(manifest, asked), [] if asked == "unfinished" else ["the first time, it only begins"]

    def ends_then() -> object:
        answer = was()
        if left:
            left.pop()
        elif manifest.unfinished() if asked == "revision" else was():
            manifest.finish([row._replace(chunks=row.chunks - 1)], (), ())
        return answer

    monkeypatch.setattr(manifest, asked, ends_then)
    assert consistent(manifest, store)


def test_a_store_that_is_gone_is_noticed_in_an_unchanged_tree(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path / "index", DIMENSION)
    world = World(tmp_path, store)
    world.write("alpha.py", source("alpha"))
    expected = world.indexer.sync().chunks
    for _ in range(2):  # while it is open, and while it is not
        shutil.rmtree(world.folder / "shard")
        assert world.indexer.sync().changed_files == 1
        assert store.counts().points == expected
        assert world.indexer.sync().changed_files == 0
        store.close()
    world.close()


def _with_foreign_point(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    id_, point = next(iter(store.points.items()))
    store.points["foreign"] = point.__class__(id_, point.chunk.__class__("gone.py", 1, 1, "python", "x"), point.sparse)
    world.write("src/delta.py", source("delta"))


def test_points_of_files_that_nobody_knows_go(world: World, store: MemoryStore) -> None:
    _with_foreign_point(world, store)
    world.indexer.sync()
    assert "foreign" not in store.points
    assert len(store.points) == world.manifest.totals().chunks
    assert world.indexer.sync().changed_files == 0


def test_a_store_that_cannot_be_repaired_is_reported(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_foreign_point(world, store)
    monkeypatch.setattr(store, "delete", lambda ids: None)
    for _ in range(2):
        with pytest.raises(IndexCorruptError, match="coderank index --rebuild PATH"):
            world.indexer.sync()
