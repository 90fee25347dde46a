"""A real index moves from one real model to another, while it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.indexing.indexing_world import HashEmbedder
from tests.migration.moving_world import QUESTION, World, world

from coderank import Engine
from coderank.errors import IndexIncompatibleError, IndexNotWritableError, UsageError
from coderank.migration.contract import Moving, Step, Verdict
from coderank.migration.journal import Stage
from coderank.migration.run import GateError
from coderank.moving.index import IndexMove
from coderank.store import fingerprint


@pytest.fixture
def app(tmp_path: Path) -> World:
    return world(tmp_path)


def answers(engine: Engine) -> list[str]:
    return [f"{hit.path}:{hit.start_line}" for hit in engine.search(QUESTION, mode="lexical")]


def test_an_index_moves_and_everything_follows(app: World) -> None:
    with app.engine() as engine:
        before = engine.status()
        words = answers(engine)
        with IndexMove(engine, "tiny") as move:
            report = move.run()
        assert (report.stage, report.points, report.embedded) == (Stage.LIVE, before.chunks, before.chunks)
        assert report.verified is not None
        assert report.verified.worst_cosine > 0.999
        after = engine.status()
        assert (after.model, after.dense_coverage, after.changed_since) == ("tiny", 1.0, 0)
        assert (after.files, after.chunks, after.languages) == (before.files, before.chunks, before.languages)
        assert answers(engine) == words
        assert engine.search(QUESTION, mode="dense").index.model == "tiny"
        report2 = engine.index()
        assert (report2.changed_files, report2.embedded_chunks, report2.filled) == (0, 0, True)


def test_a_second_run_does_nothing(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            move.run()
        record = (engine.index_dir / "index.json").read_bytes()
        with IndexMove(engine, "tiny") as move:
            report = move.run()
        assert (report.stage, report.embedded) == (Stage.LIVE, 0)
        assert (engine.index_dir / "index.json").read_bytes() == record
        with IndexMove(engine) as move:
            move.drop()
        with IndexMove(engine, "tiny") as move:
            assert move.run().stage is Stage.LIVE
        assert fingerprint.read(engine.index_dir).generation == "generation-2"


def test_what_changes_meanwhile_is_caught_up(app: World) -> None:
    changed: list[Moving] = []

    def change(event: Moving) -> None:
        if event.done and not changed:
            changed.append(event)
            app.write("new")
            app.write("part1", functions=1)
            (app.root / "part2.py").unlink()
            with app.engine() as other:
                other.index()

    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            move.run(on_progress=change)
        status = engine.status()
        assert (status.changed_since, status.dense_coverage) == (0, 1.0)
        paths = {hit.path for hit in engine.search("new_1 part1_0 part2_0", limit=100)}
        assert "new.py" in paths
        assert "part2.py" not in paths
        assert {hit.symbol for hit in engine.search("part1_0 part1_2", paths=["part1.py"])} == {"part1_0"}


def test_rolled_back_and_forth_and_dropped(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            assert Path(move.run().backup, "shard").is_dir()
        app.write("new")
        engine.index()
        with IndexMove(engine) as move:
            assert move.roll_back().stage is Stage.ROLLED_BACK
        assert (engine.search(QUESTION).index.model, engine.status().changed_since) == ("small", 1)
        engine.index()
        with IndexMove(engine) as move:
            report = move.run()
        assert (report.stage, report.embedded) == (Stage.LIVE, 0)
        assert engine.search("new_1")[0].path == "new.py"
        size = engine.status().bytes_on_disk
        with IndexMove(engine) as move:
            assert move.drop() > 0
        assert engine.status().bytes_on_disk < size
        assert {file.name for file in engine.index_dir.iterdir() if file.is_dir()} - {"queue"} == {"generation-2"}
        assert engine.search("new_1").index.model == "tiny"
        with pytest.raises(UsageError, match="Nothing was begun"), IndexMove(engine):
            pass


def test_a_gate_keeps_the_index_where_it_is(app: World) -> None:
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:

            def gate() -> Verdict:
                old, new = move.sides()
                with old, new:
                    assert [side.search(QUESTION).index.model for side in (old, new)] == ["small", "tiny"]
                return Verdict(passed=False, summary="nDCG@10 fell by 0.3")

            with pytest.raises(GateError, match=r"fell by 0\.3"):
                move.run(gate=gate)
        assert engine.search(QUESTION).index.model == "small"
        with IndexMove(engine, "tiny") as move:
            report = move.run(gate=lambda: Verdict(passed=True, summary="nDCG@10 rose"))
        assert (report.embedded, report.stage) == (0, Stage.LIVE)


def test_wrong_dimensions_and_other_moves_are_refused_before_anything_happens(app: World) -> None:
    with app.engine() as engine:
        held = sorted(engine.index_dir.iterdir())
        with (
            pytest.raises(UsageError, match="vectors of 32 numbers, not of 768"),
            IndexMove(engine, "tiny", dimension=768),
        ):
            pass
        assert sorted(engine.index_dir.iterdir()) == held
        with IndexMove(engine, "tiny") as move:
            move.run()
        with pytest.raises(UsageError, match="still kept"), IndexMove(engine, "small"):
            pass


def test_an_empty_index_moves_too(tmp_path: Path) -> None:
    app = world(tmp_path)
    for file in app.root.iterdir():
        file.unlink()
    with app.engine() as engine:
        engine.index(rebuild=True)
        with IndexMove(engine, "tiny") as move:
            assert move.run().points == 0
        assert engine.status().model == "tiny"
        app.write("first")
        engine.index()
        assert engine.search("first_1")[0].path == "first.py"


def test_a_text_that_the_model_refuses_is_named_and_found_by_words(app: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = HashEmbedder(refuse="part5_1 = compute('part5', 1)", dimension=32)
    monkeypatch.setattr("coderank.moving.index.opened_embedder", lambda *_, **__: refusing)
    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move:
            report = move.run()
        assert report.stage is Stage.LIVE
        assert len(report.refused) >= 1
        assert all("cannot embed part5_1" in reason for reason in report.refused)
        status = engine.status()
        assert status.dense_coverage == pytest.approx(1 - len(report.refused) / status.chunks)
        assert engine.search("part5_1 part5_0", mode="lexical")[0].path == "part5.py"


def test_a_disk_without_room_is_refused_before_anything_and_a_full_one_resumed(
    app: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(app.root)
    with app.engine() as engine:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
        with IndexMove(engine, "tiny") as move, pytest.raises(IndexNotWritableError, match="needs about"):
            move.run()
        assert not (engine.index_dir / "migration.json").exists()

        def fill_up(event: Moving) -> None:
            if event.phase is Step.BACK_UP:
                monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))

        monkeypatch.undo()
        with IndexMove(engine, "tiny") as move, pytest.raises(IndexNotWritableError, match="are free"):
            move.run(on_progress=fill_up)
        monkeypatch.undo()
        assert engine.search(QUESTION).index.model == "small"
        with IndexMove(engine, "tiny") as move:
            assert move.run().stage is Stage.LIVE


def test_an_index_that_was_built_anew_meanwhile_is_left_alone(app: World) -> None:
    def rebuild(event: Moving) -> None:
        if event.phase is Step.VERIFY and event.done == 1:
            with Engine.open(app.root, model="tiny", settings=app.settings) as other:
                other.index(rebuild=True)

    with app.engine() as engine:
        with IndexMove(engine, "tiny") as move, pytest.raises(IndexIncompatibleError, match="began with"):
            move.run(on_progress=rebuild)
        with pytest.raises(UsageError, match="built anew since"), IndexMove(engine, "tiny"):
            pass
        with IndexMove(engine, "tiny", force=True) as move:
            assert move.run().stage is Stage.LIVE
        assert engine.search(QUESTION).index.model == "tiny"


def test_an_index_that_was_never_moved_has_nothing_to_go_back_to(app: World) -> None:
    with app.engine() as engine, IndexMove(engine, "small") as move:
        for wanted in (move.roll_back, move.drop):
            with pytest.raises(UsageError, match="was not moved"):
                wanted()
        assert not (engine.index_dir / "migration.json").exists()
        assert engine.search(QUESTION)[0].path == "part3.py"
