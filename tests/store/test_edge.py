from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.store.store_samples import DIMENSION, Reference, corpus, id_of, point, sparse, unit

from coderank.errors import (
    CoderankError,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
    StoreError,
)
from coderank.store.contract import Counts, StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.edge_shard import RESERVE_BYTES, remove
from coderank.store.quantization import Quantization
from coderank.types import Point

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from coderank.store.quantization import Kind

    Start = Callable[[str, Path, int], subprocess.Popen[str]]

BATCH = 50
"""Points per batch of the writing actor."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def store(folder: Path) -> Iterator[EdgeStore]:
    made = EdgeStore(folder, DIMENSION)
    yield made
    made.close()


def words_said(process: subprocess.Popen[str], timeout: float = 60) -> list[str]:
    out, err = process.communicate(timeout=timeout)
    assert (process.returncode, err) == (0, "")
    return out.split()


def test_nothing_is_touched_before_the_first_use(folder: Path) -> None:
    EdgeStore(folder, DIMENSION).close()
    assert not folder.exists()


def test_one_writer_and_three_readers_share_an_index(folder: Path, start: Start) -> None:
    batches = 15
    writer = start("write", folder, batches)
    readers = [start("read", folder, 6) for _ in range(3)]
    for reader in readers:
        seen, _slowest = words_said(reader)
        assert 0 <= int(seen) <= batches * BATCH
    assert len(words_said(writer)) == batches
    store = EdgeStore(folder, DIMENSION)
    assert store.counts() == Counts(batches * BATCH, batches * BATCH)
    store.close()


def test_a_tight_loop_of_writes_lets_a_searcher_in(folder: Path, start: Start, store: EdgeStore) -> None:
    writer = start("write", folder, 0)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "1\n"
    for _ in range(3):
        hits = store.query(StoreQuery(None, sparse(t1=1.0), 5))
        assert len(hits) == 5
        assert writer.poll() is None


@pytest.mark.parametrize("batches", [1, 7])
def test_what_was_acknowledged_survives_kill_9(folder: Path, start: Start, store: EdgeStore, batches: int) -> None:
    writer = start("write", folder, 0)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(batches)]
    writer.kill()
    acknowledged = int([*said, *writer.communicate()[0].split()][-1])
    ids = [id_of(number) for number in range(1, acknowledged * BATCH + 1)]
    assert len(store.retrieve(ids)) == len(ids)
    assert store.counts().dense >= len(ids)
    found = [store.query(StoreQuery(unit(number), None, 1)) for number in (1, BATCH * acknowledged)]
    assert [hits[0].id for hits in found] == [id_of(1), id_of(BATCH * acknowledged)]


def test_a_process_that_dies_while_deleting_and_attaching_leaves_a_usable_index(folder: Path, start: Start) -> None:
    first = EdgeStore(folder, DIMENSION)
    first.upsert([point(number, dense=False) for number in range(1, 6)])
    first.close()
    second = EdgeStore(folder, DIMENSION)
    second.set_dense([id_of(1), id_of(77)], np.stack([unit(1), unit(77)]))
    second.delete([id_of(1)])
    second.set_dense([id_of(1), id_of(2)], np.stack([unit(1), unit(2)]))
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)  # what a crash now would leave: the log is replayed on opening
    second.close()
    after = EdgeStore(copy, DIMENSION)
    assert after.counts() == Counts(4, 1)
    after.close()


def test_a_foreign_user_of_the_engine_is_named_busy(folder: Path, store: EdgeStore) -> None:
    store.upsert([point(1)])
    (folder / "owner.lock").rename(folder / "elsewhere.lock")
    with pytest.raises(IndexBusyError, match="WouldBlock"):
        EdgeStore(folder, DIMENSION).counts()


def test_a_store_waits_only_so_long(folder: Path, start: Start) -> None:
    holder = start("hold", folder, 60)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    with pytest.raises(IndexBusyError, match=r"0\.2 s"):
        EdgeStore(folder, DIMENSION, busy_timeout=0.2).counts()


def test_optimizing_changes_no_answer(folder: Path) -> None:
    dimension, size = 4096, 1_300  # the engine rewrites nothing below 10 MB of vectors
    many = EdgeStore(folder.with_name("many"), dimension)
    points = [
        Point(id_of(number), point(number, f"f{number}").chunk, sparse(t1=1.0, t2=number / 7), unit(number, dimension))
        for number in range(1, size + 1)
    ]
    many.upsert(points)
    query = StoreQuery(points[5].dense, sparse(t2=1.0), 50, 100, 0.1)
    before = many.query(query)
    assert many.optimize()
    assert not many.optimize()
    assert many.counts() == Counts(size, size)
    hits = many.query(query)
    assert [hit.id for hit in hits] == [hit.id for hit in before]
    assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in before], abs=1e-5)
    many.close()


def damaged(folder: Path, pattern: str, content: bytes | None) -> None:
    store = EdgeStore(folder, DIMENSION)
    store.upsert(corpus(50))
    store.close()
    files = sorted((folder / "shard").glob(pattern))
    assert files
    for file in files:
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("edge_config.json", b"{garbage"),
        ("segments/*/segment.json", b"\0garbage"),
        ("segments/*/version.info", None),
        ("wal/*", b"\xff" * 1000),
        ("segments/*/vector_storage-dense/vectors/chunk_0.mmap", b""),
        ("segments/*/payload_storage/page_0.dat", b""),
    ],
)
def test_a_damaged_index_is_named_and_can_be_erased(folder: Path, pattern: str, content: bytes | None) -> None:
    damaged(folder, pattern, content)
    store = EdgeStore(folder, DIMENSION)
    with pytest.raises(IndexCorruptError, match="--rebuild"):
        store.query(StoreQuery(unit(1), None, 5))
    store.erase()
    store.upsert([point(1)])
    assert store.counts() == Counts(1, 1)
    store.close()


def test_what_the_engine_leaves_behind_is_erased_too(folder: Path, store: EdgeStore) -> None:
    store.upsert([point(1)])
    store.close()
    (folder / "shard" / "temp_segments").mkdir()  # after a compaction of some size
    store.erase()
    assert store.counts() == Counts(0, 0)


def test_another_dimension_is_refused_until_erased(folder: Path, store: EdgeStore) -> None:
    store.upsert([point(1)])
    store.close()
    other = EdgeStore(folder, DIMENSION * 2)
    with pytest.raises(IndexIncompatibleError, match="32"):
        other.counts()
    other.erase()
    assert other.counts() == Counts(0, 0)
    other.close()


def test_foreign_files_are_neither_opened_nor_deleted(folder: Path, store: EdgeStore) -> None:
    letter = folder / "shard" / "letter.txt"
    letter.parent.mkdir(parents=True)
    letter.write_text("dear")
    attempts: list[Callable[[], object]] = [store.counts, store.erase, lambda: store.upsert([point(1)])]
    for attempt in attempts:
        with pytest.raises(IndexCorruptError):
            attempt()
    assert [file.name for file in letter.parent.iterdir()] == ["letter.txt"]
    assert letter.read_text() == "dear"


def test_reading_creates_nothing(folder: Path, store: EdgeStore) -> None:
    assert store.query(StoreQuery(unit(1), None, 5)) == []
    assert not store.optimize()
    assert not store.exists
    assert {file.name for file in folder.iterdir()} <= {"owner.lock", "queue.lock"}


def test_nothing_is_not_answered_where_points_should_be(folder: Path) -> None:
    def refuse() -> None:
        raise IndexCorruptError("points are lost")

    store = EdgeStore(folder, DIMENSION, verify_empty=refuse)
    store.upsert([point(1)])
    store.close()
    shutil.rmtree(folder / "shard")
    reads: list[Callable[[], object]] = [
        store.counts,
        lambda: store.query(StoreQuery(unit(1), None, 5)),
        lambda: store.chunks_of(["a.py"]),
        lambda: list(store.without_dense()),
    ]
    for read in reads:
        with pytest.raises(IndexCorruptError, match="points are lost"):
            read()
    store.upsert([point(2)])
    assert store.counts() == Counts(1, 1)
    store.close()


@pytest.mark.parametrize("is_open", [True, False])
def test_whether_it_exists_is_told_of_what_is_on_disk_now(folder: Path, store: EdgeStore, is_open: bool) -> None:
    def write() -> None:
        store.upsert([point(1)])
        assert store.exists
        if not is_open:
            store.close()

    write()
    shutil.rmtree(folder / "shard")
    assert not store.exists
    write()
    assert store.counts() == Counts(1, 1)
    if not is_open:
        store.close()
    for segment in (folder / "shard" / "segments").iterdir():
        shutil.rmtree(segment)
    with pytest.raises(IndexCorruptError, match="--rebuild"):
        _ = store.exists


def test_what_a_dead_creator_left_is_no_obstacle(folder: Path, store: EdgeStore) -> None:
    (folder / "shard.new" / "segments").mkdir(parents=True)
    store.upsert([point(1)])
    assert not (folder / "shard.new").exists()


def test_a_full_disk_refuses_writes_but_not_searches(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upsert([point(1)])
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, RESERVE_BYTES - 1))
    with pytest.raises(IndexNotWritableError, match="63 MB are free"):
        store.upsert([point(2)])
    assert len(store.query(StoreQuery(unit(1), None, 5))) == 1
    assert store.counts() == Counts(1, 1)
    assert not store.optimize()


def test_an_index_is_not_given_up_where_there_is_no_room_for_another(
    folder: Path, store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert([point(1)])
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, RESERVE_BYTES))
    with pytest.raises(IndexNotWritableError, match="160 MB are needed"):
        store.erase()
    assert store.counts() == Counts(1, 1)
    with pytest.raises(IndexNotWritableError, match="160 MB are needed"):
        EdgeStore(folder.with_name("new"), DIMENSION).upsert([point(1)])


def test_opening_is_refused_where_it_would_run_out_of_room(
    folder: Path, store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert([point(1)])
    store.close()
    monkeypatch.setattr("coderank.store.edge_shard.bytes_to_map", lambda *_: 1 << 60)
    with pytest.raises(IndexNotWritableError, match="MB are needed"):
        store.counts()


def test_a_panic_of_the_engine_is_a_damaged_index_and_says_nothing_else(
    folder: Path, store: EdgeStore, capfd: pytest.CaptureFixture[str]
) -> None:
    store.upsert([point(1)])
    store.close()
    for status in folder.rglob("payload_index/*/has_values/status.dat"):
        status.write_bytes(b"")
    with pytest.raises(IndexCorruptError, match="--rebuild"):
        store.counts()
    assert capfd.readouterr().err == ""
    store.erase()
    assert store.counts() == Counts(0, 0)


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexNotWritableError, match="file"):
        EdgeStore(tmp_path / "file", DIMENSION).counts()


@pytest.mark.parametrize("bad", ["no-uuid", "\udc80"])
def test_the_engine_never_raises_its_own_exceptions(store: EdgeStore, bad: str) -> None:
    sample = point(1)
    operations: list[Callable[[], object]] = [
        lambda: store.upsert([Point(bad, sample.chunk, sample.sparse)]),
        lambda: store.retrieve([bad]),
        lambda: store.delete([bad]),
        lambda: store.query(StoreQuery(None, sparse(t5000000000=1.0), 5)),
    ]
    for operation in operations:
        with pytest.raises(CoderankError) as caught:
            operation()
        assert type(caught.value) is StoreError
    assert store.counts() == Counts(0, 0)


def test_scores_stay_close_to_full_precision(folder: Path) -> None:
    store = EdgeStore(folder, 384)
    points = [Point(id_of(number), point(number).chunk, sparse(t1=1.0), unit(number, 384)) for number in range(1, 500)]
    store.upsert(points)
    query = StoreQuery(unit(1000, 384), None, 499)
    expected = dict(Reference(points).rank(query))
    assert max(abs(expected[hit.id] - hit.score) for hit in store.query(query)) < 1e-4
    store.close()


def test_a_store_that_is_left_open_ends_with_its_process(folder: Path, start: Start, store: EdgeStore) -> None:
    assert words_said(start("leave", folder, 20)) == ["left"]
    assert store.counts() == Counts(20, 20)


def test_an_index_built_anew_by_another_process_is_noticed(folder: Path) -> None:
    made_with = ["old"]

    def verify() -> None:
        if made_with != ["old"]:
            raise IndexIncompatibleError("another model")

    old, new = EdgeStore(folder, DIMENSION, verify=verify), EdgeStore(folder, DIMENSION)
    old.upsert([point(1)])
    new.erase(then=lambda: made_with.append("new"))
    with pytest.raises(IndexIncompatibleError, match="another model"):
        old.upsert([point(2)])
    assert new.counts() == Counts(0, 0)
    new.close()


@pytest.mark.parametrize("kind", ["none", "scalar", "binary", "turbo"])
def test_every_quantization_ranks_and_another_is_taken_up_by_compacting(folder: Path, kind: Kind) -> None:
    for quantization in (Quantization("scalar"), Quantization(kind, oversampling=3)):
        store = EdgeStore(folder, DIMENSION, quantization=quantization)
        store.upsert(corpus())
        store.optimize()
        query = StoreQuery(unit(500), sparse(t1=1.0), 10, 20, 0.1)
        found = [hit.id for hit in store.query(query)]
        assert found == [id_ for id_, _ in Reference(corpus()).rank(query)]
        store.close()
    config = json.loads((folder / "shard" / "edge_config.json").read_bytes())
    used = config["vectors"]["dense"].get("quantization_config") or {"none": {}}
    assert list(used) == [kind]


def test_a_draft_that_a_killed_engine_left_is_removed_with_the_shard(tmp_path: Path) -> None:
    shard = tmp_path / "shard.new"
    shard.mkdir()
    (shard / ".atomicwrite4vnifI").write_text("{")
    remove(shard)
    assert not shard.exists()
