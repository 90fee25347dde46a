"""Points of other programs are loaded where there is no collection: ids and payloads as they were, new vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from qdrant_client import QdrantClient, models
from tests.store.foreign_collections import COSINE, MAKERS, TEXTS
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, unit
from tests.tiny_model import settings_with_tiny

from coderank.cli.main import cli
from coderank.errors import StoreError, UsageError

NAMED = {"mcp-server-qdrant": "fast-all-minilm-l6-v2", "llama-index": "text-dense", "claude-context": "vector"}
"""What the programs call their dense vector; the others give it no name."""


@pytest.fixture
def describe(server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Describe ``old`` as it is on the server, and ``new`` with this store."""
    tiny = settings_with_tiny(tmp_path)
    file = tmp_path / "collections.json"
    for name, value in (("COLLECTIONS_FILE", file), ("MODELS_FILE", tiny.models_file), ("DATA_DIR", tiny.data_dir)):
        monkeypatch.setenv(f"CODERANK_{name}", str(value))
    monkeypatch.setenv("CODERANK_CACHE_DIR", str(tiny.cache_dir))

    def described(**store: Any) -> Path:
        old = {"embedding_model": "small", "store": {"url": server.url}}
        file.write_text(json.dumps({"old": old, "new": {"store": {"url": server.url, **store}}}))
        return file

    return described


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def done(*arguments: str) -> str:
    ran = run(*arguments)
    assert ran.exit_code == 0, (ran.output, ran.exception)
    return ran.stdout


def embedded(tmp_path: Path, *options: str) -> str:
    """Export the collection of the other program, and embed it as on a machine without a server."""
    done("collections", "export", "old", "--out", str(tmp_path / "old.jsonl.gz"))
    file = str(tmp_path / "old.parquet")
    done("embed", str(tmp_path / "old.jsonl.gz"), "--model", "tiny", "--out", file, *options)
    return file


def point(id_: int, payload: dict[str, Any], dimension: int = DIMENSION) -> models.PointStruct:
    return models.PointStruct(id=id_, vector=unit(id_, dimension).tolist(), payload=payload)


def contents(client: QdrantClient, collection: str) -> dict[Any, Any]:
    records, _ = client.scroll(collection, limit=100, with_payload=True)
    return {record.id: record.payload for record in records}


@pytest.mark.parametrize("program", MAKERS)
def test_a_collection_of_another_program_is_made_again_with_new_vectors(
    client: QdrantClient, describe: Callable[..., Path], tmp_path: Path, program: str
) -> None:
    MAKERS[program](client, "old")
    file = describe(**({"vector": NAMED[program]} if program in NAMED else {}))
    points = embedded(tmp_path)
    before = contents(client, "old")
    missing = len(before) - len(TEXTS)  # one of them keeps a point of notes, without a text
    load: tuple[str, ...] = ("load", points, "--collection", "new", "--from", "old")
    if missing:
        refused = run(*load)
        assert isinstance(refused.exception, UsageError)
        assert "1 of 4 points have no vector" in str(refused.exception)
        assert client.get_aliases().aliases == []
        load = (*load, "--allow-missing")
    said = done(*load)
    lacking = "; 1 have none" if missing else ""
    assert said.startswith(f"new: made of {len(before)} points, with the vectors of tiny (32-d){lacking}\n")
    assert contents(client, "new") == before
    assert [one.collection_name for one in client.get_aliases().aliases] == ["new--tiny-1"]
    info = client.get_collection("new--tiny-1").config
    vectors = info.params.vectors
    assert info.metadata is None, "it is nobody's but the other program's"
    assert (vectors[NAMED[program]] if isinstance(vectors, dict) else vectors).size == 32  # type: ignore[union-attr]
    assert json.loads(file.read_text())["new"]["embedding_model"] == "tiny", "nobody else says which model it is"
    found = json.loads(done("search", "def login(user)", "--collection", "new", "--format", "json"))
    assert found["results"][0]["content"] == TEXTS[0]
    assert found["index"]["model"] == "tiny"


def test_points_whose_text_is_not_found_are_refused_before_anything_is_made(
    client: QdrantClient, server: QdrantServer, describe: Callable[..., Path], tmp_path: Path
) -> None:
    client.create_collection("theirs", COSINE)
    client.upsert("theirs", [point(at, {"body": text, "at": {"file": "a.py"}}) for at, text in enumerate(TEXTS)])
    describe()
    written = json.loads((tmp_path / "collections.json").read_text())
    written["old"]["store"] |= {"collection": "theirs", "payload": {"text": "body"}}
    (tmp_path / "collections.json").write_text(json.dumps(written))
    points = embedded(tmp_path, "--text", "body")
    refused = run("load", points, "--collection", "new", "--from", "old")
    assert isinstance(refused.exception, StoreError)
    assert "Its fields: body, at.file" in str(refused.exception)
    assert "store.payload" in refused.exception.remedy
    assert [one.name for one in client.get_collections().collections] == ["theirs"]
    written["new"]["store"] |= {"payload": {"text": "body", "path": "at.file"}}
    (tmp_path / "collections.json").write_text(json.dumps(written))
    done("load", points, "--collection", "new", "--from", "old")
    assert server.indexes_of("new--tiny-1") == {"at.file"}
    found = json.loads(done("search", "login", "--collection", "new", "--format", "json"))
    assert {hit["path"] for hit in found["results"]} == {"a.py"}


def test_an_interrupted_load_is_begun_anew(
    client: QdrantClient, server: QdrantServer, describe: Callable[..., Path], tmp_path: Path
) -> None:
    MAKERS["langchain"](client, "old")
    describe()
    points = embedded(tmp_path)
    server.fail("PUT /collections/new--tiny-1/points$", status=400)
    load = ("load", points, "--collection", "new", "--from", "old")
    assert isinstance(run(*load).exception, StoreError)
    client.upsert("new--tiny-1", [point(77, {"left": "behind"}, 32)])
    done(*load)
    assert contents(client, "new") == contents(client, "old")
    assert client.count("new").count == len(TEXTS)


def test_points_of_other_programs_are_not_taken_for_an_index(
    client: QdrantClient, server: QdrantServer, describe: Callable[..., Path], tmp_path: Path
) -> None:
    MAKERS["langchain"](client, "old")
    file = describe()
    points = embedded(tmp_path)
    written = json.loads(file.read_text())
    file.write_text(json.dumps(written | {"new": {"embedding_model": "tiny"}}))
    refused = run("load", points, "--collection", "new", "--from", "old")
    assert isinstance(refused.exception, UsageError)
    assert "is no chunk of coderank" in str(refused.exception)
    assert "with a store and without sources" in refused.exception.remedy
