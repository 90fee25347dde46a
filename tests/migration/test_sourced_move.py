"""A collection that is indexed from its sources into a server moves: points there, record and manifest here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models
from tests.indexing.indexing_world import source
from tests.migration.moving_world import FILES, QUESTION
from tests.migration.test_recut import older_rules
from tests.store.qdrant_server import QdrantServer
from tests.tiny_model import settings_with_tiny

from coderank import Engine
from coderank.cli.comparing import How, answered, find
from coderank.disposal import delete
from coderank.errors import IndexIncompatibleError, ServerUnavailableError, StoreError, UsageError
from coderank.evaluation import golden
from coderank.evaluation.sides import Side
from coderank.indexing.lock import held
from coderank.migration.contract import Moving, Step
from coderank.migration.journal import Stage
from coderank.moving.sourced import SourcedMove
from coderank.settings import Settings
from coderank.store.server_connection import Connection


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    for number in range(FILES):
        write(tmp_path / "app", f"part{number}")
    return tmp_path / "app"


@pytest.fixture
def settings(server: QdrantServer, root: Path, tmp_path: Path) -> Settings:
    """``code`` is indexed here, ``theirs`` describes the same collection where others search it."""
    file = tmp_path / "collections.json"
    store = {"url": server.url, "collection": "app"}
    described = {"code": {"embedding_model": "small", "sources": [{"path": str(root)}], "store": store}}
    file.write_text(json.dumps(described | {"theirs": {"store": store}}))
    return replace(settings_with_tiny(tmp_path), collections_file=file)


def write(root: Path, name: str) -> None:
    (root / f"{name}.py").write_text(source(name, 3))


def code(settings: Settings) -> Engine:
    return Engine.open_collection("code", settings=settings)


def payloads(client: QdrantClient, collection: str) -> dict[str, object]:
    records, _ = client.scroll(collection, limit=1000, with_payload=True)
    return {str(record.id): record.payload for record in records}


def names(client: QdrantClient) -> tuple[list[str], dict[str, str]]:
    aliases = {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
    return sorted(one.name for one in client.get_collections().collections), aliases


def dimension(client: QdrantClient, collection: str) -> int:
    vectors = client.get_collection(collection).config.params.vectors
    assert isinstance(vectors, dict)
    return vectors["dense"].size


def asked(name: str, settings: Settings) -> Side:
    """What one side of a comparison answers."""
    dataset = golden.dataset("mine", [golden.Asked(QUESTION, ("part3.py",))])
    found = answered(find(name, settings), dataset, How("hybrid", rerank=False, name="mine"), settings)
    assert isinstance(found, Side), found
    return found


def test_points_and_record_move_together(
    client: QdrantClient, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def search(_: Moving) -> None:
        for one in (engine, theirs):
            found = one.search(QUESTION)
            assert found[0].path == "part3.py"
            seen.append(found.index.model)

    with code(settings) as engine:
        engine.index()
        theirs = Engine.open_collection("theirs", settings=settings)
        before = payloads(client, "app")
        with SourcedMove(engine, "tiny") as move:
            assert (move.plan().points, names(client)) == (3 * FILES, (["app"], {}))
            assert not (engine.index_dir / "generation-2").exists()
            report = move.run(on_progress=search)
        assert (report.stage, report.points, report.embedded) == (Stage.LIVE, 3 * FILES, 3 * FILES)
        assert set(seen) == {"small"}
        assert engine.search(QUESTION).index.model == "tiny"
        status = engine.status()
        assert (status.model, status.chunks, status.dense_coverage, status.changed_since) == ("tiny", 36, 1.0, 0)
        assert engine.index().embedded_chunks == 0
        monkeypatch.setattr("coderank.store.server.LOOK_AGAIN_S", 0.0)
        found = theirs.search(QUESTION)  # it was open all the time, and is told by the collection which model made it
        assert (found[0].path, found.index.model) == ("part3.py", "tiny")
        theirs.close()
    assert names(client) == (["app", "app--tiny-1"], {"app.live": "app--tiny-1"})
    assert payloads(client, "app--tiny-1") == before == payloads(client, "app")
    assert dimension(client, "app--tiny-1") == 32
    with Engine.open_collection("theirs", settings=settings) as theirs:
        assert theirs.search(QUESTION).index.model == "tiny"
    write(root, "new")
    with code(settings) as engine:
        assert engine.index().changed_files == 1
        assert engine.search("new_1 compute")[0].path == "new.py"
    assert (len(payloads(client, "app--tiny-1")), len(payloads(client, "app"))) == (39, 36)


def test_rolled_back_and_forth_and_dropped(client: QdrantClient, settings: Settings, root: Path) -> None:
    with code(settings) as engine:
        engine.index()
        with SourcedMove(engine, "tiny") as move:
            move.run()
        with pytest.raises(UsageError, match="points of before or after"):
            delete("code", settings)
        with SourcedMove(engine) as move:
            assert move.roll_back().stage is Stage.ROLLED_BACK
        assert names(client) == (["app", "app--tiny-1"], {})
        write(root, "new")
        assert engine.index().changed_files == 1
        assert engine.search("new_1 compute").index.model == "small"
        models = [side.run.model for side in (asked("code@old", settings), asked("code@new", settings))]
        assert models == ["small", "tiny"]
        with SourcedMove(engine) as move:
            assert (move.run().embedded, move.record.stage) == (3, Stage.LIVE)
            move.drop()
        assert names(client) == (["app--tiny-1"], {"app": "app--tiny-1"})
        assert engine.search("new_1 compute").index.model == "tiny"
        assert [file.name for file in engine.index_dir.iterdir() if file.is_dir()] == ["generation-2"]
        with SourcedMove(engine, "small") as move:
            assert move.run().stage is Stage.LIVE
    assert names(client) == (["app--small-1", "app--tiny-1"], {"app": "app--small-1"})
    with code(settings) as engine, SourcedMove(engine) as move:
        move.drop()
    delete("code", settings)
    assert names(client) == ([], {})


def test_built_anew_after_a_move_it_is_found_by_its_name(client: QdrantClient, settings: Settings) -> None:
    with code(settings) as engine:
        engine.index()
        with SourcedMove(engine, "tiny") as move:
            move.run()
        engine.index(rebuild=True)
        assert engine.search(QUESTION)[0].path == "part3.py"
    assert names(client)[1] == {"app.live": "app--tiny-1"}
    with Engine.open_collection("theirs", settings=settings) as theirs:
        assert theirs.search(QUESTION).index.chunks == 3 * FILES


def test_a_move_that_was_killed_before_the_alias_goes_on(
    client: QdrantClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with code(settings) as engine:
        engine.index()
        with monkeypatch.context() as patch:
            patch.setattr("coderank.migration.aliased.point_alias", die)
            with SourcedMove(engine, "tiny") as move, pytest.raises(KeyboardInterrupt):
                move.run()
        assert names(client)[1] == {}
        assert engine.search(QUESTION).index.model == "tiny"  # what indexes goes by its own record
        with SourcedMove(engine) as move:
            assert move.run().embedded == 0
    assert names(client)[1] == {"app.live": "app--tiny-1"}


@pytest.mark.parametrize("step", [Step.BACK_UP, Step.EMBED, Step.VERIFY])
def test_a_server_that_goes_away_is_waited_for_by_the_next_run(
    server: QdrantServer, settings: Settings, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(event: Moving) -> None:
        if event.phase is step:
            server.stop()

    short = {"read_patience": 0.2, "write_patience": 0.2}
    monkeypatch.setattr(Connection.__init__, "__kwdefaults__", short)
    with code(settings) as engine:
        engine.index()
        with SourcedMove(engine, "tiny") as move, pytest.raises((ServerUnavailableError, StoreError)):
            move.run(on_progress=away)
        server.start()
        with SourcedMove(engine, "tiny") as move:
            assert move.run().stage is Stage.LIVE
        assert engine.status().dense_coverage == 1.0


def test_points_of_an_older_version_are_cut_anew_there(client: QdrantClient, settings: Settings) -> None:
    with older_rules(), code(settings) as engine:
        engine.index()
    for file in settings.cache_dir.glob("vectors-*"):
        file.unlink()
    with code(settings) as engine:
        with pytest.raises(IndexIncompatibleError, match="coderank migrate"):
            engine.search(QUESTION)
        with SourcedMove(engine) as move:
            assert move.plan().reused == 2 * FILES
            report = move.run()
        assert (report.points, report.embedded) == (3 * FILES, FILES)
        assert engine.search("part3_2 compute")[0].symbol == "part3_2"
    assert names(client) == (["app", "app--small-1"], {"app.live": "app--small-1"})
    assert len(payloads(client, "app--small-1")) == 3 * FILES


def test_what_another_wrote_under_the_name_is_not_touched(client: QdrantClient, settings: Settings) -> None:
    with code(settings) as engine:
        engine.index()
        client.create_collection("app--tiny-1", models.VectorParams(size=4, distance=models.Distance.DOT))
        with SourcedMove(engine, "tiny") as move:
            move.run()
    assert names(client)[1] == {"app.live": "app--tiny-2"}


def test_an_alias_that_cannot_be_switched_gives_the_lock_back(
    client: QdrantClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("no")

    with code(settings) as engine:
        engine.index()
        monkeypatch.setattr("coderank.migration.aliased.point_alias", fail)
        with SourcedMove(engine, "tiny") as move, pytest.raises(StoreError):
            move.run()
        move = SourcedMove(engine)
        with pytest.raises(StoreError):
            move.__enter__()
        with held(engine.index_dir / "migrate.lock", 0.0) as mine:
            assert mine
