"""``coderank collections advise`` and ``size``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from qdrant_client import models
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import unit

from coderank.cli.main import cli
from coderank.evaluation import advice
from coderank.store.quantization import NONE, Quantization

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from tests.cli.conftest import World


TRIED = (NONE, Quantization("turbo"), Quantization("binary"))
SCALAR = {"scalar": {"enabled": True, "quantile": 0.9}}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of an indexed collection of 230 chunks, read by commands of this process."""
    folder = tmp_path_factory.mktemp("measured")
    lines = [
        json.dumps({"content": f"def f{number}(): return {number * 7919 % 1000}", "path": f"f{number}.py"})
        for number in range(230)
    ]
    (folder / "chunks.jsonl").write_text("\n".join(lines))
    file = folder / "collections.json"
    file.write_text(json.dumps({"kit": {"sources": [{"jsonl": "chunks.jsonl"}], "quantization": SCALAR}}))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("data", "cache"):
            patch.setenv(f"CODERANK_{name.upper()}_DIR", str(folder / name))
        patch.setenv("CODERANK_COLLECTIONS_FILE", str(file))
        patch.setattr(advice.advise, "__kwdefaults__", {**(advice.advise.__kwdefaults__ or {}), "stored": TRIED})
        assert CliRunner().invoke(cli, ["collections", "size", "--measure", "kit"]).exception is not None
        indexed = CliRunner().invoke(cli, ["index", "--collection", "kit"], catch_exceptions=False)
        assert indexed.exit_code == 0, indexed.output
        yield file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["collections", *arguments], catch_exceptions=False)


def test_advice_is_shown_written_and_taken_up(collection: Path, tmp_path: Path) -> None:
    page = tmp_path / "advice.html"
    done = run("advise", "kit", "--recall", "0.5", "--out", str(page), "--write")
    assert done.exit_code == 0, done.output
    assert "Take binary 1 bit x" in done.stdout  # of those that recall enough and are as small, the faster one
    assert "trying turbo 4 bit" in done.stderr
    assert "Compression of kit" in page.read_text("utf-8")
    said = json.loads(collection.read_bytes())["kit"]["quantization"]
    assert (said["binary"]["enabled"], said["scalar"]["enabled"], said["scalar"]["quantile"]) == (True, False, 0.9)
    assert json.loads(collection.with_name("collections.json.bak").read_bytes())["kit"]["quantization"] == {
        "scalar": {"enabled": True, "quantile": 0.9}
    }
    assert [each.name for each in (collection.parent / "cache").iterdir() if "bench" in each.name] == []


def test_advice_by_questions_of_the_users(collection: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("which returns 7\n\nthe function f12\n")
    found = json.loads(run("advise", "kit", "--queries", str(questions), "--format", "json").stdout)
    assert (found["queries"], found["own_queries"], found["vectors"]) == (2, True, 230)
    assert {one["kind"] for one in found["trials"]} == {"none", "turbo", "binary"}
    questions.write_text("\n")
    assert "has no question" in str(
        CliRunner().invoke(cli, ["collections", "advise", "kit", "--queries", str(questions)]).exception
    )


def test_a_collection_of_others_is_measured_on_its_server(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = QdrantServer().start()
    params = models.VectorParams(size=384, distance=models.Distance.COSINE)
    server.local.create_collection("theirs", {"fast": params})
    points = [
        models.PointStruct(id=number, vector={"fast": unit(number, 384).tolist()}, payload={"page_content": "x"})
        for number in range(230)
    ]
    server.local.upsert("theirs", points)
    file = collection.with_name("others.json")
    described = {"embedding_model": "all-minilm-l6-v2", "store": {"url": server.url}}
    file.write_text(json.dumps({"theirs": described}))
    monkeypatch.setenv("CODERANK_COLLECTIONS_FILE", str(file))
    done = run("advise", "theirs", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["engine"], found["vectors"], found["queries"]) == (server.url, 207, 23)
    assert list(server.local.collections) == ["theirs"]
    written = run("advise", "theirs", "--recall", "0.5", "--write").stderr
    assert f"curl -X PATCH {server.url}/collections/theirs " in written
    body = json.loads(written.partition("-d '")[2].partition("'")[0])
    assert list(body["vectors"]) == ["fast"]
    assert "quantization_config" in body["vectors"]["fast"]
    assert "coderank index" not in written, "which is refused: there is nothing to index"
    server.stop()


def test_sizes_are_worked_out(world: World) -> None:
    done = world.run("collections", "size", "--chunks", "1e6,2.5e9", "--replicas", "2")
    assert done.returncode == 0
    assert "1 M" in done.stdout
    assert "2.5 B" in done.stdout
    assert "A chunk has" in done.stdout
    found = json.loads(world.run("collections", "size", "--chunks", "10", "--format", "json").stdout)
    assert [one["nodes"] for one in found["needs"]] == [1] * 5
    wrong = world.run("collections", "size", "--chunks", "many")
    assert (wrong.returncode, "'many' is no number of chunks" in wrong.stderr) == (2, True)


def test_sizes_by_ones_own_points(collection: Path) -> None:
    done = run("size", "--measure", "kit")
    assert "collection kit" in done.stdout
    assert "230 real chunks" in done.stdout
