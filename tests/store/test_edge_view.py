"""Processes that read one index beside each other; two stores of one process stand for two processes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.store.store_samples import DIMENSION, id_of, point, sparse, unit

from coderank.errors import IndexIncompatibleError
from coderank.store.contract import Counts, StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.edge_points import open_edge_points
from coderank.store.edge_shard import load
from coderank.store.edge_view import CONFIG, is_offered, view_of
from coderank.store.layout import SHARD

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[[str, Path, int], subprocess.Popen[str]]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="one process at a time has the index")
QUESTION = StoreQuery(unit(1), sparse(t1=1.0), 5, 20, 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of five points that nobody has open, and that was read since it was written."""
    made = tmp_path / "index"
    store = EdgeStore(made, DIMENSION)
    store.upsert([point(number) for number in range(1, 6)])
    store.close()
    assert not is_offered(made / SHARD)
    store.counts()
    store.close()
    return made


@pytest.fixture
def stores(folder: Path) -> Iterator[list[EdgeStore]]:
    made = [EdgeStore(folder, DIMENSION) for _ in range(3)]
    yield made
    for one in made:
        one.close()


def opened_beside(store: EdgeStore) -> bool:
    """Whether the store is open beside others."""
    lease = store._tenancy._lease
    return lease.held and lease.shared


def test_those_that_read_have_the_index_open_beside_each_other(stores: list[EdgeStore]) -> None:
    answers = [[hit.id for hit in store.query(QUESTION)] for _ in range(2) for store in stores]
    assert all(opened_beside(store) for store in stores)
    assert answers == [answers[0]] * 6
    assert len(answers[0]) == 5


def test_what_one_writes_the_others_read_and_can_write_themselves(stores: list[EdgeStore]) -> None:
    for number, store in enumerate(stores, 6):
        assert store.counts() == Counts(number - 1, number - 1)
        store.upsert([point(number)])
        assert not opened_beside(store)
        assert [set(one.retrieve([id_of(number)])) for one in stores] == [{id_of(number)}] * 3
    stores[0].delete([id_of(1)])
    stores[1].set_dense([id_of(2)], np.stack([unit(9)]))
    assert [store.counts().points for store in stores] == [7] * 3
    assert [store.counts().points for store in stores] == [7] * 3
    assert all(opened_beside(store) for store in stores)


def test_reading_changes_no_file_of_the_points(folder: Path, stores: list[EdgeStore]) -> None:
    def content() -> dict[str, bytes]:
        files = [file for file in (folder / SHARD).rglob("*") if file.is_file()]
        return {str(file.relative_to(folder)): file.read_bytes() for file in files}

    before = content()
    for store in stores:
        store.query(QUESTION)
        store.counts()
        list(store.paths())
    stores[0].close()
    assert len(stores[1].query(QUESTION)) == 5
    for store in stores:
        store.close()
    assert content() == before


def test_a_killed_writer_leaves_no_view_and_loses_nothing(folder: Path, start: Start, stores: list[EdgeStore]) -> None:
    writer = start("write", folder, 0)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "1\n"
    writer.kill()
    batches = int(["1", *writer.communicate()[0].split()][-1])
    assert not is_offered(folder / SHARD)
    assert stores[0].counts().points >= batches * 50
    assert not opened_beside(stores[0])
    assert stores[1].counts() == stores[0].counts() == stores[1].counts()
    assert [opened_beside(store) for store in stores] == [True, True, False]


def test_a_full_disk_does_not_stop_those_that_read(folder: Path, stores: list[EdgeStore]) -> None:
    shutil.rmtree(view_of(folder / SHARD))
    view_of(folder / SHARD).touch()  # nothing can be put there
    assert [store.counts().points for store in stores] == [5] * 3


def test_a_view_is_not_believed_where_somebody_else_had_the_engine_open(folder: Path, stores: list[EdgeStore]) -> None:
    shard = folder / SHARD
    kept = view_of(shard).with_name("kept")
    shutil.copytree(view_of(shard), kept, symlinks=True)
    engine = load(shard)
    import qdrant_edge as qdrant

    from coderank.store.edge_requests import engine_point

    engine.update(qdrant.UpdateOperation.upsert_points([engine_point(point(6))]))
    engine.close()
    shutil.rmtree(view_of(shard))
    kept.rename(view_of(shard))  # as if coderank had not taken it away
    assert not is_offered(shard)
    assert stores[0].counts().points == 6
    assert not opened_beside(stores[0])
    assert stores[1].counts().points == 6
    assert opened_beside(stores[1])


@pytest.mark.parametrize("harm", ["empty config", "cut config", "no segments", "segments of another"])
def test_a_view_that_was_harmed_is_not_read(folder: Path, stores: list[EdgeStore], harm: str) -> None:
    view = view_of(folder / SHARD)
    if harm == "empty config":
        (view / CONFIG).write_bytes(b"")
    elif harm == "cut config":
        (view / CONFIG).write_bytes((view / CONFIG).read_bytes()[:40])
    else:
        (view / "segments").unlink()
        if harm == "segments of another":
            (folder / "other").mkdir()
            (view / "segments").symlink_to(folder / "other")
    for store in stores:
        assert len(store.query(QUESTION)) == 5
    assert stores[0].counts() == Counts(5, 5)


def test_an_engine_of_another_version_does_not_take_the_view(
    folder: Path, stores: list[EdgeStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.store.edge_view._engine", lambda: "another")
    assert not is_offered(folder / SHARD)
    assert len(stores[0].query(QUESTION)) == 5
    assert not opened_beside(stores[0])


def test_processes_read_beside_each_other(folder: Path, start: Start, stores: list[EdgeStore]) -> None:
    assert stores[0].counts().points == 5
    readers = [start("read", folder, 4) for _ in range(3)]
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert (reader.returncode, out.split()[0], err) == (0, "5", "")
    assert opened_beside(stores[0])  # nobody asked it to leave


def test_what_a_killed_opening_left_in_the_view_goes(folder: Path, stores: list[EdgeStore]) -> None:
    view = view_of(folder / SHARD)
    (view / ".atomicwriteX").mkdir()
    (view / ".edge_config.json-x").touch()
    stores[0].upsert([point(6)])
    assert {file.name for file in view.iterdir()} == {"segments", "log.json"}


def test_a_copy_of_an_index_is_read_as_it_is(folder: Path, tmp_path: Path, stores: list[EdgeStore]) -> None:
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    shutil.copytree(folder, tmp_path / "followed")
    stores[0].upsert([point(6)])
    for name in ("copy", "followed"):
        copy = EdgeStore(tmp_path / name, DIMENSION)
        assert copy.counts().points == 5
        copy.upsert([point(number) for number in (7, 8)])
        assert copy.counts().points == 7
        copy.close()
        copy = EdgeStore(tmp_path / name, DIMENSION)
        assert copy.counts().points == 7
        copy.close()
    assert stores[1].counts().points == 6


def test_where_no_view_can_be_made_one_after_the_other_reads(
    folder: Path, stores: list[EdgeStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    shutil.rmtree(view_of(folder / SHARD))
    for store in stores:
        assert len(store.query(QUESTION)) == 5
    assert not is_offered(folder / SHARD)
    assert [store._tenancy._lease.held for store in stores] == [False, False, True]


def test_an_index_that_is_emptied_has_no_view(folder: Path, stores: list[EdgeStore]) -> None:
    assert len(stores[0].query(QUESTION)) == 5
    stores[1].erase()
    assert not view_of(folder / SHARD).exists()
    assert stores[0].query(QUESTION) == []
    other = EdgeStore(folder, DIMENSION + 1)
    assert other.counts() == Counts(0, 0)
    other.close()


def test_another_dimension_is_refused_beside_others_too(folder: Path, stores: list[EdgeStore]) -> None:
    assert len(stores[0].query(QUESTION)) == 5
    other = EdgeStore(folder, DIMENSION + 1)
    with pytest.raises(IndexIncompatibleError):
        other.counts()
    assert len(stores[0].query(QUESTION)) == 5


def test_a_shard_that_was_taken_away_is_not_answered_from_its_view(folder: Path, stores: list[EdgeStore]) -> None:
    shutil.rmtree(folder / SHARD)
    assert not stores[0].exists
    assert stores[0].counts() == Counts(0, 0)


def test_raw_points_are_read_beside_searches(folder: Path, stores: list[EdgeStore]) -> None:
    stores[0].query(QUESTION)
    raw = open_edge_points(folder)
    assert sum(len(page) for page in raw.pages(vectors=True, size=2)) == raw.count() == 5
    assert opened_beside(stores[0])
    raw.delete([id_of(1)])
    assert stores[0].counts().points == raw.count() == 4
    raw.close()
