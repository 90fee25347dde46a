from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.indexing.indexing_world import HashEmbedder, MemoryStore, World, source

from coderank.corpus.identity import vector_key
from coderank.errors import IndexBusyError, ModelError, ModelUnavailableError, StoreError
from coderank.indexing import sync as sync_module
from coderank.indexing.fill import HOPELESS
from coderank.indexing.lock import held
from coderank.indexing.vector_cache import rounded
from coderank.types import IndexPhase, Progress, SkipReason

if TYPE_CHECKING:
    from coderank.types import Matrix


def test_a_first_index_holds_every_chunk_with_its_vector(world: World, store: MemoryStore) -> None:
    report = world.indexer.index()
    assert store.kept_paths() == {"src/alpha.py", "src/beta.py", "src/gamma.py"}
    assert (report.files, report.changed_files, report.chunks) == (3, 3, len(store.points))
    assert (report.embedded_chunks, report.reused_vectors) == (report.chunks, 0)
    assert report.dense_coverage == 1.0
    for point in store.points.values():
        assert point.dense is not None
        assert point.sparse.indices


def test_vectors_in_the_store_are_those_of_the_cache(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    for point in store.points.values():
        key = vector_key(point.chunk)
        assert point.dense is not None
        np.testing.assert_array_equal(point.dense, world.cache.get([key])[key])
        np.testing.assert_array_equal(point.dense, rounded(point.dense))


def test_sync_alone_loads_no_model(world: World, store: MemoryStore) -> None:
    report = world.indexer.sync()
    assert world.embedder.texts == []
    assert (report.embedded_chunks, report.dense_coverage) == (0, 0.0)
    assert len(store.points) == report.chunks > 0


def test_nothing_changed_means_nothing_touched(world: World, store: MemoryStore) -> None:
    world.write("empty.py", "")
    world.indexer.index()
    calls, texts = store.calls, len(world.embedder.texts)
    before = {path: path.stat().st_mtime_ns for path in world.folder.iterdir()}
    report = world.indexer.index()
    assert (store.calls, len(world.embedder.texts)) == (calls, texts)
    assert {path: path.stat().st_mtime_ns for path in world.folder.iterdir()} == before
    assert (report.changed_files, report.deleted_files, report.dense_coverage) == (0, 0, 1.0)
    assert [skip.reason for skip in report.skips] == [SkipReason.EMPTY]


def test_an_edit_touches_only_its_own_chunks(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    before = dict(store.points)
    text = source("alpha").replace("Part 2 of alpha", "Another part")
    world.write("src/alpha.py", text, age=30)
    report = world.indexer.index()
    assert (report.changed_files, report.embedded_chunks) == (1, 1)
    assert len(set(store.points) - set(before)) == len(set(before) - set(store.points)) == 1


def test_a_line_inserted_above_moves_chunks_and_embeds_only_the_first(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    starts = {id_: point.chunk.start_line for id_, point in store.points.items()}
    world.write("src/alpha.py", "import os\n\n\n" + source("alpha"), age=30)
    report = world.indexer.index()
    moved = [id_ for id_, line in starts.items() if id_ in store.points and store.points[id_].chunk.start_line != line]
    assert moved
    assert all(store.points[id_].dense is not None for id_ in moved)
    assert report.embedded_chunks <= 1


def test_a_touched_file_updates_its_row_only(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    calls = store.calls
    world.write("src/alpha.py", source("alpha"), age=20)
    assert world.indexer.sync().changed_files == 0
    assert store.calls == calls
    assert not world.plan()


def test_a_deleted_file_is_forgotten(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    (world.root / "src/alpha.py").unlink()
    report = world.indexer.sync()
    assert (report.deleted_files, report.changed_files, report.files) == (1, 0, 2)
    assert store.kept_paths() == {"src/beta.py", "src/gamma.py"}


def test_a_rename_embeds_nothing(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    texts = len(world.embedder.texts)
    (world.root / "src/alpha.py").rename(world.root / "renamed.py")
    report = world.indexer.index()
    assert len(world.embedder.texts) == texts
    assert report.reused_vectors > 0
    assert report.dense_coverage == 1.0
    assert store.kept_paths() == {"renamed.py", "src/beta.py", "src/gamma.py"}


def test_a_branch_switch_there_and_back_embeds_nothing(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    main = dict(store.points)
    world.write("src/alpha.py", source("other"), age=30)
    world.write("src/delta.py", source("delta"), age=30)
    (world.root / "src/beta.py").unlink()
    world.indexer.index()
    texts = len(world.embedder.texts)
    world.write("src/alpha.py", source("alpha"), age=15)
    world.write("src/beta.py", source("beta"), age=15)
    (world.root / "src/delta.py").unlink()
    world.indexer.index()
    assert len(world.embedder.texts) == texts
    assert set(store.points) == set(main)


def test_copies_are_embedded_once(world: World, store: MemoryStore) -> None:
    for copy in range(5):
        world.write(f"copies/{copy}.py", source("copied"))
    report = world.indexer.index()
    keys = {vector_key(point.chunk) for point in store.points.values()}
    assert report.embedded_chunks == len(world.embedder.texts) == len(keys)
    assert report.reused_vectors == len(store.points) - len(keys)


def test_a_file_that_becomes_unfit_loses_its_points_and_is_not_read_again(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    world.write("src/alpha.py", "", age=30)
    report = world.indexer.sync()
    assert [(skip.path, skip.reason) for skip in report.skips] == [("src/alpha.py", SkipReason.EMPTY)]
    assert store.kept_paths() == {"src/beta.py", "src/gamma.py"}
    assert not world.plan()
    world.write("src/alpha.py", source("alpha"), age=20)
    report = world.indexer.sync()
    assert report.skips == ()
    assert "src/alpha.py" in store.kept_paths()


def test_a_vanished_skip_is_forgotten(world: World) -> None:
    world.write("empty.py", "")
    world.indexer.sync()
    (world.root / "empty.py").unlink()
    assert world.indexer.sync().skips == ()
    assert world.manifest.skips() == []


def test_a_change_within_the_same_time_stamp_is_found(world: World, store: MemoryStore) -> None:
    world.write("now.py", "value = 'old'\n", age=0)
    state = (world.root / "now.py").stat()
    world.indexer.index()
    (world.root / "now.py").write_text("value = 'new'\n")
    os.utime(world.root / "now.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    world.indexer.sync()
    contents = [point.chunk.content for point in store.points.values() if point.chunk.path == "now.py"]
    assert contents == ["value = 'new'"]


def test_a_fresh_file_settles_once_its_time_stamp_is_old(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("now.py", "value = 1\n", age=0)
    world.indexer.index()
    assert world.plan().to_verify
    later = time.time_ns() + 5_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    calls = store.calls
    world.indexer.sync()
    assert store.calls == calls
    assert not world.plan()


def test_half_written_rows_are_repaired(world: World, store: MemoryStore) -> None:
    world.indexer.index()
    expected = set(store.points)
    world.manifest.begin(["src/alpha.py", "src/new.py"])
    victim = next(id_ for id_, point in store.points.items() if point.chunk.path == "src/alpha.py")
    del store.points[victim]
    world.indexer.index()
    assert set(store.points) == expected
    assert [row.path for row in world.manifest.files()] == ["src/alpha.py", "src/beta.py", "src/gamma.py"]


def test_progress_names_every_phase(world: World) -> None:
    events: list[Progress] = []
    report = world.indexer.index(events.append)
    assert {event.phase for event in events} == set(IndexPhase)
    assert [event.done for event in events if event.phase is IndexPhase.READ] == [1, 2, 3]
    assert events[-1] == Progress(IndexPhase.EMBED, report.chunks, report.chunks)


def test_files_are_written_in_bounded_batches(
    world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "BATCH_FILES", 2)
    world.indexer.sync()
    assert world.manifest.revision() == 2
    assert len(store.kept_paths()) == 3


def test_a_sync_that_waits_too_long_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "LOCK_TIMEOUT_S", 0.01)
    with held(world.folder / "sync.lock", 0), pytest.raises(IndexBusyError):
        world.indexer.sync()


def test_an_interrupted_sync_is_resumed(world: World, store: MemoryStore) -> None:
    def interrupt(event: Progress) -> None:
        if event.phase is IndexPhase.READ and event.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.indexer.sync(interrupt)
    world.indexer.index()
    assert len(store.kept_paths()) == 3


class TestFill:
    def test_one_filler_at_a_time(self, world: World) -> None:
        world.indexer.sync()
        with held(world.folder / "fill.lock", 0):
            assert world.indexer.fill().embedded == 0
        assert world.indexer.fill().embedded > 0

    def test_ids_asked_for_come_first(self, world: World, store: MemoryStore) -> None:
        world.indexer.sync()
        wanted = sorted(store.points)[-1]
        world.indexer.fill(first=[wanted])
        assert store.points[wanted].chunk.content in world.embedder.texts[0]

    def test_a_deadline_is_kept_and_the_rest_follows(self, world: World, store: MemoryStore) -> None:
        for number in range(20):
            world.write(f"more/{number}.py", source(f"more{number}"))
        world.embedder.delay = 0.02
        world.indexer.sync()
        deadline = time.monotonic() + 0.3
        done = world.indexer.fill(deadline=deadline).embedded
        assert 0 < done < len(store.points)
        assert store.counts().dense == done == world.manifest.totals().dense
        assert world.indexer.fill().embedded == len(store.points) - done

    def test_a_deadline_in_the_past_embeds_nothing(self, world: World) -> None:
        world.indexer.sync()
        assert world.indexer.fill(deadline=time.monotonic() - 1).embedded == 0
        assert world.embedder.texts == []

    def test_an_interrupted_fill_keeps_its_vectors(self, world: World, store: MemoryStore) -> None:
        world.indexer.sync()

        def interrupt(event: Progress) -> None:
            if event.done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            world.indexer.fill(on_progress=interrupt)
        texts = len(world.embedder.texts)
        world.indexer.fill()
        assert store.counts().dense == len(store.points)
        assert len(world.embedder.texts) == texts

    def test_a_text_the_model_refuses_is_named_and_the_rest_embedded(
        self, world: World, store: MemoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.embedder.refuse = "Part 1 of beta"
        world.indexer.sync()
        report = world.indexer.fill()
        assert [reason.split(":")[0] for reason in report.failed] == ["src/beta.py"]
        assert "cannot embed Part 1 of beta" in caplog.text
        assert store.counts().dense == len(store.points) - 1

    def test_a_refused_text_is_not_tried_again_before_something_changes(self, world: World, store: MemoryStore) -> None:
        world.embedder.refuse = "Part 1 of beta"
        world.indexer.sync()
        assert not world.indexer.sync().filled
        world.indexer.fill()
        world.embedder.refuse = ""
        assert world.indexer.sync().filled
        assert world.indexer.fill().embedded == 0
        world.write("src/delta.py", source("delta"))
        assert not world.indexer.sync().filled
        world.indexer.fill()
        assert store.counts().dense == len(store.points)

    def test_a_model_that_refuses_everything_is_an_error(self, world: World) -> None:
        for number in range(HOPELESS):
            world.write(f"more/{number}.py", source(f"more{number}"))
        world.embedder.refuse = "py"
        world.indexer.sync()
        with pytest.raises(ModelError, match="refused every text"):
            world.indexer.fill()

    def test_missing_weights_are_not_blamed_on_a_text(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(texts: object) -> Matrix:
            raise ModelUnavailableError("no weights")

        monkeypatch.setattr(world.embedder, "embed_documents", fail)
        world.indexer.sync()
        with pytest.raises(ModelUnavailableError):
            world.indexer.fill()

    def test_vectors_that_are_not_numbers_are_refused(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        good = world.embedder.embed_documents

        def spoil(texts: list[str]) -> Matrix:
            vectors = good(texts)
            vectors[["Part 1 of beta" in text for text in texts]] = np.nan
            return vectors

        monkeypatch.setattr(world.embedder, "embed_documents", spoil)
        world.indexer.sync()
        assert len(world.indexer.fill().failed) == 1

    def test_a_store_that_keeps_no_vectors_does_not_loop(
        self, world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "set_dense", lambda ids, vectors: None)
        world.indexer.sync()
        with pytest.raises(StoreError, match="does not keep vectors"):
            world.indexer.fill()

    def test_points_added_meanwhile_are_filled_too(
        self, world: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.indexer.sync()
        embed: Callable[[list[str]], Matrix] = HashEmbedder.embed_documents.__get__(world.embedder)

        def edit_and_embed(texts: list[str]) -> Matrix:
            if not (world.root / "late.py").exists():
                world.write("late.py", source("late"))
                world.indexer.sync()
            return embed(texts)

        monkeypatch.setattr(world.embedder, "embed_documents", edit_and_embed)
        world.indexer.fill()
        assert "late.py" in store.kept_paths()
        assert store.counts().dense == len(store.points)
