"""An index that was cut by other rules is cut anew from its source, beside the one in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.indexing.indexing_world import HashEmbedder
from tests.migration.moving_world import FILES, QUESTION, World, tree

from coderank.corpus import chunk as chunking
from coderank.errors import IndexIncompatibleError, StoreError, UsageError
from coderank.migration.contract import Moving, Step, Verdict
from coderank.migration.journal import Stage
from coderank.moving.index import IndexMove
from coderank.store import fingerprint
from coderank.store.edge_points import open_edge_points
from coderank.types import Chunk


@contextmanager
def older_rules() -> Iterator[None]:
    """A version of coderank that knew nothing of the last chunk of a file, and said less of terms."""

    def cut(path: str, text: str) -> list[Chunk]:
        return chunk(path, text)[:-1]

    chunk = chunking.chunk
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "chunk", cut)
        patch.setattr("coderank.indexing.claim.CHUNKER_VERSION", 0)
        patch.setattr("coderank.indexing.claim.TERMS_VERSION", 1)
        yield


@pytest.fixture
def app(tmp_path: Path) -> World:
    made = tree(tmp_path)
    with older_rules(), made.engine() as engine:
        engine.index()
    for file in made.settings.cache_dir.glob("vectors-*"):
        file.unlink()
    return made


def test_other_rules_are_refused_with_the_way_on(app: World) -> None:
    refused = pytest.raises(IndexIncompatibleError, match=r"chunker is '0', expected '\d+'; terms")
    with refused as caught, app.engine() as engine:
        engine.search(QUESTION)
    assert caught.value.remedy.startswith(f"Build it anew beside this one: coderank migrate {app.root}, or")


def test_the_source_is_cut_anew_and_known_vectors_stay(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine) as move:  # the model may stay, so it need not be named
            plan = move.plan()
            assert not (engine.index_dir / "generation-2").exists()
            report = move.run()
        status = engine.status()
        assert (plan.points, plan.reused) == (status.chunks, status.chunks - FILES)
        assert (report.points, report.embedded, report.cut_anew) == (status.chunks, FILES, True)
        assert report.old.startswith("small (16-d), chunker 0, header ")
        assert report.verified is not None
        assert report.verified.worst_cosine > 0.98
        assert (status.dense_coverage, status.changed_since, status.files) == (1.0, 0, FILES)
        assert engine.search("part3_2 compute")[0].symbol == "part3_2"
        app.write("new")
        assert engine.index().changed_files == 1
        with IndexMove(engine, "small") as move:
            assert (move.run().stage, move.run().embedded) == (Stage.LIVE, 0)


def test_model_and_rules_change_at_once(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            assert move.plan().reused == 0
            report = move.run()
        assert (report.embedded, report.points) == (report.points, engine.status().chunks)
        assert engine.search(QUESTION).index.model == "tiny"


def test_rolled_back_only_the_older_version_reads_it(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine) as move:
            move.run()
        with IndexMove(engine) as move:
            assert move.roll_back().stage is Stage.ROLLED_BACK
        with pytest.raises(IndexIncompatibleError):
            engine.search(QUESTION)
    with older_rules(), app.engine() as engine:
        assert engine.search(QUESTION).index.chunks == 2 * FILES
    with app.engine() as engine:
        with IndexMove(engine) as move:
            report = move.run()
            assert (report.stage, report.embedded) == (Stage.LIVE, 0)
            assert move.drop() > 0
        assert {file.name for file in engine.index_dir.iterdir() if file.is_dir()} - {"queue"} == {"generation-2"}
        assert engine.search(QUESTION)[0].path == "part3.py"


def test_what_changes_meanwhile_is_taken_along(app: World) -> None:
    changed: list[Step] = []

    def change(event: Moving) -> None:
        if event.phase not in changed:
            changed.append(event.phase)
            app.write(f"new{len(changed)}")
            (app.root / f"part{len(changed)}.py").unlink()

    with app.engine() as engine:
        with IndexMove(engine) as move:
            report = move.run(on_progress=change)
        assert changed == [Step.BACK_UP, Step.CUT, Step.EMBED, Step.VERIFY, Step.CUT_OVER]
        status = engine.status()
        assert (report.points, status.changed_since, status.dense_coverage) == (status.chunks, 0, 1.0)
        assert engine.search("new5_1 compute")[0].path == "new5.py"


def test_interrupted_it_goes_on(app: World) -> None:
    def stop(event: Moving) -> None:
        if event.phase is Step.EMBED and event.done:
            raise KeyboardInterrupt

    with app.engine() as engine:
        with IndexMove(engine) as move, pytest.raises(KeyboardInterrupt):
            move.run(on_progress=stop)
        assert fingerprint.read(engine.index_dir).generation == ""
        with IndexMove(engine) as move:
            assert move.record.stage is Stage.BACKED_UP
            assert move.run().stage is Stage.LIVE
        assert engine.status().dense_coverage == 1.0


def test_a_gate_asks_points_of_both_rules(app: World) -> None:
    with older_rules(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("coderank.indexing.claim.TERMS_VERSION", 2)
        with app.engine() as engine:
            engine.index(rebuild=True)
    with app.engine() as engine, IndexMove(engine) as move:

        def gate() -> Verdict:
            old, new = move.sides()
            with old, new:
                counts = [side.search(QUESTION).index.chunks for side in (old, new)]
            return Verdict(passed=counts == [2 * FILES, 3 * FILES], summary=str(counts))

        assert move.run(gate=gate).stage is Stage.LIVE


def test_points_that_the_source_does_not_say_are_found(app: World) -> None:
    def spoil(event: Moving) -> None:
        if event.phase is Step.EMBED and event.done == event.total:
            points = open_edge_points(app.engine().index_dir / "generation-2")
            (one, *_) = next(points.pages(vectors=True))
            one.payload["content"] += "# and more"
            points.write([one])
            points.close()

    with app.engine() as engine, IndexMove(engine) as move:
        with pytest.raises(StoreError, match="source does not say"):
            move.run(on_progress=spoil)
        assert fingerprint.read(engine.index_dir).generation == ""


def test_a_refused_text_is_named_and_found_by_words(app: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = HashEmbedder(refuse="part5_2 = compute('part5', 2)", dimension=32)
    monkeypatch.setattr("coderank.moving.index.opened_embedder", lambda *_, **__: refusing)
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            report = move.run()
        assert all("part5.py:" in reason and "cannot embed" in reason for reason in report.refused)
        assert len(report.refused) >= 1
        assert engine.search("part5_2", mode="lexical")[0].path == "part5.py"


def test_without_a_source_there_is_nothing_to_cut(app: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.engine() as engine:
        monkeypatch.setattr(type(engine.home.tree), "is_there", property(lambda _: False))
        with pytest.raises(IndexIncompatibleError, match="no source to cut them from"), IndexMove(engine):
            pass


def test_an_index_by_todays_rules_needs_a_model(app: World) -> None:
    with app.engine() as engine:
        engine.index(rebuild=True)
        with pytest.raises(UsageError, match="Say which model"), IndexMove(engine):
            pass
