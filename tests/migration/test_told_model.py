"""A collection that was moved says which model made it, so that no copy of a configuration searches it with another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from qdrant_client import QdrantClient
from tests.migration.notes_world import aliases, contents, described, write
from tests.store.qdrant_server import QdrantServer
from tests.tiny_model import settings_with_tiny

from coderank import Engine
from coderank.cli.main import cli
from coderank.errors import IndexIncompatibleError
from coderank.moving.server import ServerMove
from coderank.settings import Settings
from coderank.store.made_with import MADE_WITH


@pytest.fixture
def settings(server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return described(server, tmp_path, monkeypatch)


def other(settings: Settings, tmp_path: Path, **changed: object) -> Settings:
    """Another machine, with a copy of the file of before the move."""
    file = tmp_path / "copy.json"
    notes = json.loads(settings.collections_file.read_text())["notes"] | changed  # type: ignore[union-attr]
    file.write_text(json.dumps({"notes": notes}))
    return replace(settings, collections_file=file, data_dir=tmp_path / "other")


def test_a_copy_of_the_configuration_is_refused_with_the_model_of_before(
    client: QdrantClient, server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described(server, tmp_path, monkeypatch)
    (tmp_path / "alike").mkdir()
    alike = settings_with_tiny(tmp_path / "alike", "small", {"small": 16, "same": 16})
    monkeypatch.setenv("CODERANK_MODELS_FILE", str(alike.models_file))
    monkeypatch.setenv("CODERANK_DATA_DIR", str(alike.data_dir))
    settings = Settings.from_environment()
    write(client, "notes")
    copy = other(settings, tmp_path)
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "same") as move:
        move.run()
    assert client.get_collection("notes").config.metadata is None
    said = client.get_collection("notes--same-1").config.metadata
    assert said == {MADE_WITH: {"": {"model": "same", "revision": "1", "dimension": 16}}}
    with (
        Engine.open_collection("notes", settings=replace(copy, data_dir=settings.data_dir)) as engine,
        pytest.raises(IndexIncompatibleError, match=r"were made with same \(16-d.*not with small") as caught,
    ):
        engine.search("part_7")
    assert caught.value.remedy.endswith('embedding_model "same", embedding_dimension 16')
    for named in ("same", "auto"):
        here = replace(other(settings, tmp_path, embedding_model=named), data_dir=settings.data_dir)
        with Engine.open_collection("notes", settings=here) as engine:
            assert engine.search("part_7").index.model == "same"


def test_another_length_is_refused_with_what_to_write(
    client: QdrantClient, server: QdrantServer, settings: Settings, tmp_path: Path
) -> None:
    write(client, "notes")
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny") as move:
        move.run()
    wanted = 'embedding_model "tiny", embedding_dimension 32'
    for vector in ("", None):
        store = {"url": server.url} | ({"vector": vector} if vector is not None else {})
        copy = replace(other(settings, tmp_path, store=store), data_dir=settings.data_dir)
        with pytest.raises(IndexIncompatibleError) as caught, Engine.open_collection("notes", settings=copy) as engine:
            engine.search("part_7")
        assert wanted in caught.value.remedy
        assert "--rebuild" not in caught.value.remedy
    with (
        Engine.open_collection("notes", settings=other(settings, tmp_path)) as engine,
        ServerMove(engine, "tiny") as move,
    ):
        assert move.record.old_place == move.record.new_place, "it is on that model, whatever the copy says"


def test_what_a_toml_file_needs_is_said_before_anything_begins(
    client: QdrantClient, server: QdrantServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    file = tmp_path / "collections.toml"
    before = f'[notes]\nembedding_model = "small"\n[notes.store]\nurl = "{server.url}"\nvector = ""\n'
    file.write_text(before)
    monkeypatch.setenv("CODERANK_COLLECTIONS_FILE", str(file))
    done = CliRunner().invoke(cli, ["migrate", "notes", "--model", "tiny"])
    assert done.exit_code == 0, (done.output, done.exception)
    wanted = '[notes]\nembedding_model = "tiny"\nembedding_dimension = 32\n'
    ahead, _, later = done.stderr.partition("backing up")
    assert "As soon as the new points are in use" in ahead
    assert wanted in ahead
    assert wanted in later
    assert file.read_text() == before
    refused = CliRunner().invoke(cli, ["search", "part_7", "--collection", "notes"])
    assert isinstance(refused.exception, IndexIncompatibleError)
    assert 'embedding_model "tiny", embedding_dimension 32' in refused.exception.remedy
    file.write_text(before.replace('"small"', '"tiny"\nembedding_dimension = 32'))
    found = CliRunner().invoke(cli, ["search", "part_7", "--collection", "notes", "--format", "json"])
    assert json.loads(found.stdout)["index"]["model"] == "tiny"


def test_a_file_that_cannot_be_written_leaves_no_move_half_done(
    client: QdrantClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    late: list[bool] = []
    monkeypatch.setattr("coderank.migration.shadow.Filling.late", lambda _: late.append(True))
    kept = settings.collections_file
    assert kept is not None
    monkeypatch.setattr("coderank.collections.change._rewrite", _fail)
    done = CliRunner().invoke(cli, ["migrate", "notes", "--model", "tiny"])
    assert "Cannot write" in str(done.exception)
    assert late == [True]
    assert aliases(client) == {"notes.live": "notes--tiny-1"}
    assert contents(client, "notes--tiny-1") == contents(client, "notes")
    monkeypatch.undo()


def _fail(*_: object) -> Path:
    raise PermissionError(13, "Permission denied")
