"""A collection on a server moves to another model beside the one in use; its name leads to the new points at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from qdrant_client import QdrantClient, models
from tests.migration.notes_world import TEXTS, contents, described, size, write
from tests.store.qdrant_server import QdrantServer

from coderank import Engine
from coderank.cli.main import cli
from coderank.corpus.header import dense_text
from coderank.corpus.identity import point_ids
from coderank.errors import UsageError
from coderank.loading.choice import embedder
from coderank.loading.opened import opened_embedder
from coderank.migration.contract import Moving, Step, Verdict
from coderank.migration.journal import Stage
from coderank.migration.parquet import Header, writing
from coderank.migration.run import GateError
from coderank.moving.move import kind_of
from coderank.moving.server import ServerMove
from coderank.settings import Settings
from coderank.store.payload import to_payload
from coderank.store.raw import RawPoint
from coderank.types import Chunk


@pytest.fixture
def settings(server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return described(server, tmp_path, monkeypatch)


def test_a_name_leads_to_the_new_points_and_back(client: QdrantClient, settings: Settings) -> None:
    write(client, "notes")
    before = contents(client, "notes")
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny") as move:
        plan = move.plan()
        assert (plan.points, plan.new, plan.free) == (20, "tiny (32-d)", None)
        assert [one.name for one in client.get_collections().collections] == ["notes"]
        report = move.run()
        assert (report.stage, report.points, report.embedded) == (Stage.LIVE, 20, 20)
        assert report.backup.startswith("snapshot ")
    aliases = {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
    assert aliases == {"notes.live": "notes--tiny-1"}
    assert contents(client, "notes--tiny-1") == before == contents(client, "notes")
    assert (size(client, "notes--tiny-1"), size(client, "notes")) == (32, 16)
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine) as move:
        assert move.roll_back().stage is Stage.ROLLED_BACK
        assert client.get_aliases().aliases == []
        assert move.run().stage is Stage.LIVE
        move.drop()
    assert [one.name for one in client.get_collections().collections] == ["notes--tiny-1"]
    aliases = {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
    assert aliases == {"notes": "notes--tiny-1"}


def test_what_is_written_meanwhile_is_taken_along(client: QdrantClient, settings: Settings) -> None:
    write(client, "notes")
    seen: list[Step] = []

    def change(event: Moving) -> None:
        if event.phase not in seen:
            seen.append(event.phase)
            number = 100 + len(seen)
            new = models.PointStruct(id=number, vector=[1.0] * 16, payload={"page_content": f"def new_{number}(): ..."})
            client.upsert("notes", [new])
            if event.phase is Step.VERIFY:
                client.delete("notes", models.PointIdsList(points=[3]))
                changed = {"page_content": "def changed(): ..."}
                client.upsert("notes", [models.PointStruct(id=4, vector=[1.0] * 16, payload=changed)])

    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny") as move:
        move.run(on_progress=change)
    assert Step.CUT_OVER in seen
    moved = contents(client, "notes--tiny-1")
    assert moved == contents(client, "notes")
    assert 3 not in moved
    assert moved[4]["page_content"] == "def changed(): ..."


def test_points_written_after_the_cut_over_are_not_lost_by_rolling_back(
    client: QdrantClient, settings: Settings
) -> None:
    write(client, "notes")
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny") as move:
        move.run()
    late = models.PointStruct(id=99, vector=[1.0] * 32, payload={"page_content": "def late(): ..."})
    client.upsert("notes--tiny-1", [late])
    with Engine.open_collection("notes", settings=settings) as engine:
        with ServerMove(engine) as move, pytest.raises(UsageError, match="1 points of notes were written"):
            move.roll_back()
        with ServerMove(engine, force=True) as move:
            assert move.roll_back().stage is Stage.ROLLED_BACK


def test_searches_of_programs_that_have_it_open_do_not_fail(
    client: QdrantClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The description is changed as soon as the alias is, not after what was written late has been taken along."""
    monkeypatch.setattr("coderank.store.server.LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr("coderank.migration.shadow.Filling.late", lambda _: found.append(asked()))
    write(client, "notes")
    found: list[str] = []

    def asked() -> str:
        return engine.search("part_7").index.model

    with Engine.open_collection("notes", settings=settings) as engine:
        assert asked() == "small"
        assert CliRunner().invoke(cli, ["migrate", "notes", "--model", "tiny"]).exit_code == 0
        assert found == ["tiny"]
        assert asked() == "tiny"
        assert CliRunner().invoke(cli, ["migrate", "notes", "--rollback"]).exit_code == 0
        assert asked() == "small"


def test_the_command_searches_before_and_after(client: QdrantClient, settings: Settings) -> None:
    write(client, "notes")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    search = ("search", "part_7", "--collection", "notes", "--format", "json")
    assert json.loads(run(*search))["index"]["model"] == "small"
    assert run("migrate", "notes", "--model", "tiny").startswith("notes: on tiny (32-d): 20 points, 20 embedded")
    found = json.loads(run(*search))
    assert (found["index"]["model"], found["index"]["chunks"]) == ("tiny", 20)
    assert run("migrate", "notes", "--rollback").startswith("notes: back on small (16-d)")
    assert json.loads(run(*search))["index"]["model"] == "small"


def test_a_gate_asks_both_collections_before_the_alias_is_switched(
    client: QdrantClient, settings: Settings, tmp_path: Path
) -> None:
    write(client, "notes")
    (tmp_path / "right.jsonl").write_text('{"query": "def part_7(value)", "relevant": ["note 7.py"]}\n')
    wrong = [{"query": f"def part_{number}(value)", "relevant": [f"note {number}.py"]} for number in range(20)]
    (tmp_path / "wrong.jsonl").write_text("\n".join(map(json.dumps, wrong)))
    gate = ["migrate", "notes", "--model", "tiny", "--gate", "--verbose", "--queries"]
    hiding = {"query": "x", "relevant": ["a.py"], "hides": [{"path": "a.py", "start_line": 1, "end_line": 1}]}
    (tmp_path / "hiding.jsonl").write_text(json.dumps(hiding))
    refused = CliRunner().invoke(cli, [*gate, str(tmp_path / "hiding.jsonl")])
    assert "is on a server" in str(refused.exception)
    assert [one.name for one in client.get_collections().collections] == ["notes"]
    with Engine.open_collection("notes", settings=settings) as engine, ServerMove(engine, "tiny") as move:

        def asked() -> Verdict:
            old, new = move.sides()
            with old, new:
                answers = [side.search("def part_7(value)")[0].path for side in (old, new)]
            assert client.get_aliases().aliases == []
            return Verdict(passed=False, summary=str(answers))

        with pytest.raises(GateError, match=r"'note 7.py'\]"):
            move.run(gate=asked)
    assert client.get_aliases().aliases == []
    done = CliRunner().invoke(cli, [*gate, str(tmp_path / "right.jsonl")])
    assert (done.exit_code, "nDCG@10" in done.stdout) == (0, True), done.output


def test_a_collection_that_is_not_there_is_made_of_a_file(
    client: QdrantClient, settings: Settings, tmp_path: Path
) -> None:
    chunk = Chunk("src/part.py", 1, 2, "python", TEXTS["note 7"], "part_7")
    other = Chunk("src/other.py", 1, 1, "python", "def other(): ...", "other")
    model = embedder("tiny", settings)
    vectors = opened_embedder(model, settings).embed_documents([dense_text(chunk), dense_text(other)])
    points = [
        RawPoint(id_, to_payload(one), {"": vector})
        for id_, one, vector in zip(point_ids([chunk, other]), (chunk, other), vectors, strict=True)
    ]
    file = tmp_path / "notes.parquet"
    with writing(file, Header(kind_of(model), {"": 32}, model.query_prefix)) as writer:
        writer.write("notes", points)
    made = CliRunner().invoke(cli, ["load", str(file), "--collection", "notes"])
    assert made.stdout == "notes: made of 2 points, with the vectors of tiny (32-d)\n", made.output
    aliases = {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
    assert aliases == {"notes": "notes--tiny-1"}
    assert len(contents(client, "notes--tiny-1")) == 2
    found = CliRunner().invoke(cli, ["search", "part_7", "--collection", "notes", "--format", "json"])
    assert json.loads(found.stdout)["results"][0]["symbol"] == "part_7"
