"""Nothing that a user owns is lost, whatever a move of a collection on a server is asked for, and whenever it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from qdrant_client import QdrantClient
from tests.migration.notes_world import contents, described, names, write
from tests.store.qdrant_server import QdrantServer

from coderank import Engine
from coderank.cli.main import cli
from coderank.errors import CoderankError
from coderank.migration.journal import FILE_NAME, Journal, Kind, Record, Stage
from coderank.settings import Settings


@pytest.fixture(autouse=True)
def settings(server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return described(server, tmp_path, monkeypatch)


def migrate(*arguments: str) -> str:
    """Run the command and return what it says."""
    done = CliRunner().invoke(cli, ["migrate", "notes", *arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def refused(*arguments: str) -> str:
    """Run the command, which has to fail in a way that the user is told, and return that."""
    done = CliRunner().invoke(cli, ["migrate", "notes", *arguments])
    assert isinstance(done.exception, CoderankError), (done.output, done.exception)
    return f"{done.exception.message}. {done.exception.remedy}"


def test_what_was_never_moved_is_neither_deleted_nor_rolled_back(client: QdrantClient) -> None:
    write(client, "notes")
    assert migrate("--model", "small") == "notes: on small (16-d) already\n"
    assert "was not moved" in refused("--model", "small", "--drop-old", "--yes")
    assert "was not moved" in refused("--model", "small", "--rollback")
    assert "Nothing was begun" in refused("--drop-old", "--yes")
    assert "was not moved" in refused("--model", "tiny", "--drop-old", "--yes")
    assert names(client) == ["notes"]
    assert len(contents(client, "notes")) == 20


def test_a_move_onto_itself_that_an_older_version_noted_is_not_gone_on_with(
    client: QdrantClient, settings: Settings
) -> None:
    write(client, "notes")
    small = Kind("small", "", 16)
    with Engine.open_collection("notes", settings=settings) as engine:
        engine.home.folder.mkdir(parents=True)
        senseless = Record(old=small, new=small, old_place="notes", new_place="notes", stage=Stage.ROLLED_BACK)
        Journal(engine.home.folder / FILE_NAME).write(senseless)
    assert "Nothing was begun" in refused("--drop-old", "--yes")
    assert migrate("--model", "tiny").startswith("notes: on tiny (32-d): 20 points")
    assert names(client) == ["notes", "notes--tiny-1"]


def test_a_dry_run_deletes_nothing(client: QdrantClient) -> None:
    write(client, "notes")
    migrate("--model", "tiny")
    said = migrate("--drop-old", "--dry-run", "--yes")
    assert said.startswith("notes: would delete the points made with small (16-d): notes; and the backup: snapshot ")
    assert "no --dry-run" in refused("--rollback", "--dry-run")
    assert names(client) == ["notes", "notes--tiny-1"]
    assert "are deleted" in migrate("--drop-old", "--yes")
    assert names(client) == ["notes--tiny-1"]
