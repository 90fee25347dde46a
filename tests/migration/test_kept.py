"""Nothing that a user owns is lost, whatever a move of a collection on a server is asked for, and whenever it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from qdrant_client import QdrantClient, models
from tests.migration.moving_world import world
from tests.migration.notes_world import aliases, contents, described, names, write
from tests.store.qdrant_server import QdrantServer

from coderank import Engine
from coderank.cli.main import cli
from coderank.disposal import delete
from coderank.errors import CoderankError, StoreError, UsageError
from coderank.indexing.lock import held
from coderank.migration.aliased import ServerSite
from coderank.migration.contract import Verified
from coderank.migration.journal import FILE_NAME, Journal, Kind, Record, Stage
from coderank.migration.run import Migration
from coderank.migration.shadow import Filling
from coderank.moving.index import IndexMove
from coderank.moving.server import ServerMove
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


def begin(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Move as far as the verification, in which the process dies."""
    with monkeypatch.context() as patch:
        patch.setattr(Migration, "_verified", die)
        assert CliRunner().invoke(cli, ["migrate", *arguments]).exit_code


def die(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_was_begun_is_given_up_by_a_run_alone(
    client: QdrantClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    begin(monkeypatch, "notes", "--model", "tiny")
    begun = ["notes", "notes--tiny-1"]
    assert "exclude each other" in refused("--force", "--dry-run")
    assert "exclude each other" in refused("--force", "--resume")
    assert "was not cut over" in refused("--force", "--rollback")
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny", force=True) as move:
        assert (move.plan().there, move.unused().place) == (0, "notes--tiny-1")
    assert (names(client), len(contents(client, "notes--tiny-1"))) == (begun, 20)
    assert migrate("--force").startswith("notes: on tiny (32-d): 20 points")
    assert names(client) == ["notes", "notes--tiny-2"]


def test_what_was_begun_can_be_deleted_for_another_model(client: QdrantClient, monkeypatch: pytest.MonkeyPatch) -> None:
    write(client, "notes")
    begin(monkeypatch, "notes", "--model", "tiny")
    assert "points made with tiny (32-d) are deleted" in migrate("--model", "small", "--force", "--drop-old", "--yes")
    assert names(client) == ["notes"]
    assert "Nothing was begun" in refused("--drop-old")


def put(client: QdrantClient, collection: str, id_: int, text: str) -> None:
    size = 32 if "tiny" in collection else 16
    client.upsert(collection, [models.PointStruct(id=id_, vector=[1.0] * size, payload={"page_content": text})])


def test_what_was_written_at_the_cut_over_is_taken_along_after_a_kill(
    client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")

    def written_then_killed(_: Filling) -> None:
        put(client, "notes", 777, "def late(): ...")
        put(client, "notes", 4, "def changed(): ...")
        put(client, "notes", 5, "def changed_there(): ...")
        put(client, "notes--tiny-1", 5, "def changed_here(): ...")
        put(client, "notes--tiny-1", 6, "def changed_here(): ...")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Filling, "late", written_then_killed)
        assert CliRunner().invoke(cli, ["migrate", "notes", "--model", "tiny"]).exit_code
    assert aliases(client) == {"notes.live": "notes--tiny-1"}
    assert "not yet taken along" in refused("--drop-old", "--yes")
    assert migrate().startswith("notes: on tiny (32-d): 21 points, 2 embedded")
    moved = contents(client, "notes--tiny-1")
    assert [moved[id_]["page_content"] for id_ in (777, 4, 5, 6)] == [
        "def late(): ...",
        "def changed(): ...",
        "def changed_here(): ...",
        "def changed_here(): ...",
    ]
    assert migrate() == "notes: on tiny (32-d) already\n"


def test_a_kill_between_the_alias_and_the_journal_counts_as_one_at_the_cut_over(
    client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    switch = ServerSite.cut_over

    def switched_then_killed(site: ServerSite, *, whole: bool) -> None:
        put(client, "notes", 777, "def late(): ...")
        switch(site, whole=whole)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ServerSite, "cut_over", switched_then_killed)
        assert CliRunner().invoke(cli, ["migrate", "notes", "--model", "tiny"]).exit_code
    assert migrate().startswith("notes: on tiny (32-d): 21 points, 1 embedded")
    assert 777 in contents(client, "notes--tiny-1")


def test_a_name_that_another_has_switched_meanwhile_is_left_to_it(
    client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    write(client, "other")
    check = Migration._verified

    def switched(*parts: Any) -> Verified:
        point_at(client, "notes.live", "other")
        return check(*parts)

    with monkeypatch.context() as patch:
        patch.setattr(Migration, "_verified", switched)
        assert "notes leads to other now, not to notes" in refused("--model", "tiny")
    assert aliases(client) == {"notes.live": "other"}
    assert "--force" in refused()
    assert migrate("--model", "tiny", "--force").startswith("notes: on tiny (32-d): 20 points")
    assert aliases(client) == {"notes.live": "notes--tiny-2"}


def point_at(client: QdrantClient, alias: str, collection: str) -> None:
    made = models.CreateAlias(alias_name=alias, collection_name=collection)
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=made)])


def test_old_points_that_the_new_side_lacks_are_not_deleted_unasked(
    client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    migrate("--model", "tiny")
    put(client, "notes", 777, "def late(): ...")
    assert "lacks 1 points of notes, the first is 777" in refused("--drop-old", "--yes")
    assert 777 in contents(client, "notes")
    with monkeypatch.context() as patch:
        patch.setattr("coderank.migration.aliased.drop_alias", die)
        assert CliRunner().invoke(cli, ["migrate", "notes", "--drop-old", "--force", "--yes"]).exit_code
    assert names(client) == ["notes--tiny-1"]
    assert "are deleted" in migrate("--drop-old", "--yes")  # goes on after the kill
    assert aliases(client) == {"notes": "notes--tiny-1"}


def test_points_that_going_back_has_kept_are_not_deleted_by_going_forward(client: QdrantClient) -> None:
    write(client, "notes")
    migrate("--model", "tiny")
    put(client, "notes--tiny-1", 999, "def late(): ...")
    assert "--rollback --force" in refused("--rollback")
    migrate("--rollback", "--force")
    assert "1 points of notes--tiny-1 are not like that in notes" in refused()
    assert 999 in contents(client, "notes--tiny-1")
    assert migrate("--force").startswith("notes: on tiny (32-d): 20 points")
    assert 999 not in contents(client, "notes--tiny-1")
    migrate("--rollback")
    client.delete("notes", [3])  # in use: this is no point that was kept
    assert migrate().startswith("notes: on tiny (32-d): 19 points")


def test_a_begun_move_of_an_index_is_given_up_by_a_run_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    app = world(tmp_path / "other")
    with app.engine() as engine:
        with monkeypatch.context() as patch:
            patch.setattr(Migration, "_verified", die)
            with IndexMove(engine, "tiny") as move, pytest.raises(KeyboardInterrupt):
                move.run()
        with IndexMove(engine, "tiny", force=True) as move:
            move.plan()
            assert (engine.index_dir / "generation-2").exists()
            assert move.run().stage is Stage.LIVE
        assert not (engine.index_dir / "generation-2").exists()
        assert engine.search("part3_1 compute").index.model == "tiny"


def test_what_was_deleted_at_the_cut_over_does_not_come_back(
    client: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(client, "notes")
    switch = ServerSite.cut_over

    def deleted_before(site: ServerSite, *, whole: bool) -> None:
        client.delete("notes", [3])
        switch(site, whole=whole)

    monkeypatch.setattr(ServerSite, "cut_over", deleted_before)
    migrate("--model", "tiny")
    assert 3 not in contents(client, "notes--tiny-1")
    assert len(contents(client, "notes--tiny-1")) == 19


def test_a_move_that_cannot_begin_keeps_nobody_out(client: QdrantClient, settings: Settings) -> None:
    client.create_collection("notes", models.VectorParams(size=16, distance=models.Distance.COSINE))
    client.upsert("notes", [models.PointStruct(id=1, vector=[1.0] * 16, payload={"zz": "text"})])
    with Engine.open_collection("notes", settings=settings) as engine:
        for _ in range(2):
            move = ServerMove(engine, "tiny")
            with pytest.raises(StoreError):
                move.__enter__()
            with held(engine.home.folder / "migrate.lock", 0.0) as mine:
                assert mine


def test_another_machine_does_not_delete_half_of_a_move(
    client: QdrantClient, settings: Settings, tmp_path: Path
) -> None:
    write(client, "notes")
    migrate("--model", "tiny")
    elsewhere = replace(settings, data_dir=tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="has notes beside notes--tiny-1"):
        delete("notes", elsewhere, foreign=True)
    assert names(client) == ["notes", "notes--tiny-1"]
    migrate("--drop-old", "--yes")
    delete("notes", elsewhere, foreign=True)
    assert names(client) == []
