"""``--collection`` and ``coderank collections`` as a user types them."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import models
from tests.cli.conftest import World
from tests.store.servers import Servers

from coderank.loading.choice import bundled_model
from coderank.migration.parquet import Reader
from coderank.store.server_names import collections


@pytest.fixture
def described(world: World, tmp_path: Path) -> World:
    """A world with a file of two collections."""
    file = tmp_path / "collections.json"
    sources = [{"path": str(world.repo / "src")}, {"path": str(world.repo / "docs"), "name": "handbook"}]
    file.write_text(json.dumps({"app": {"sources": sources}, "later": {}}))
    return world.having("CODERANK_COLLECTIONS_FILE", str(file))


def test_search_indexes_a_collection_first(described: World) -> None:
    done = described.run("search", "sign in with a password", "--collection", "app", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    paths = {hit["path"] for hit in json.loads(done.stdout)["results"]}
    assert {"src/login.py", "handbook/guide.md"} <= paths


def test_index_then_ask(described: World) -> None:
    done = described.run("index", "--collection", "app")
    assert done.stdout.startswith("app: 4 files (4 changed, 0 deleted)")
    shown = described.run("search", "overwrite the oldest item", "--collection", "app", "-k", "1", "--path", "src/**")
    assert "ring.py:" in shown.stdout
    alike = described.run("related", "src/ring.py:7", "--collection", "app", "--format", "json")
    assert json.loads(alike.stdout)["results"][0]["path"] != "src/ring.py"
    status = json.loads(described.run("status", "--collection", "app", "--format", "json").stdout)
    assert (status["files"], status["changed_since"], status["dense_coverage"]) == (4, 0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--collection", "ap"], "has no collection 'ap'. Did you mean app?"),
        (["search", "x", "--collection", "later"], "has no sources"),
        (["status", "--collection", "app"], "never indexed. Run: coderank index --collection app"),
        (["related", "src/nowhere.py:1", "--collection", "app"], "The index has no src/nowhere.py"),
    ],
)
def test_what_cannot_be_is_one_line_with_a_remedy(described: World, arguments: list[str], message: str) -> None:
    done = described.run(*arguments)
    assert done.returncode in {1, 2}
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_model_than_the_described_one_can_be_taken_where_that_cannot_run(
    described: World, tmp_path: Path
) -> None:
    sources = [{"path": str(described.repo / "src")}]
    entry = {"embedding_model": "nomic-ai/CodeRankEmbed", "embedding_dimension": 768, "sources": sources}
    (tmp_path / "collections.json").write_text(json.dumps({"app": entry}))
    refused = described.run("index", "--collection", "app", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    assert refused.returncode == 1
    assert "--model all-minilm-l6-v2" in refused.stderr
    assert described.run("index", "--collection", "app", "--model", "all-minilm-l6-v2").returncode == 0
    assert "login.py" in described.run("search", "check the password", "--collection", "app").stdout
    listed = described.run("collections", "list").stdout
    assert "It is indexed with all-minilm-l6-v2, and described with nomic-ai/CodeRankEmbed" in listed


class TestCollections:
    def test_list_shows_what_is_described_and_what_is_indexed(self, described: World) -> None:
        described.run("index", "--collection", "app")
        done = described.run("collections", "list")
        assert (done.returncode, done.stderr) == (0, "")
        head, app, later, note = done.stdout.splitlines()
        assert head.split() == ["collection", "model", "sources", "store", "chunks", "vectors"]
        assert app.split() == ["app", bundled_model(), "src,", "handbook", "embedded", "4", "100", "%"]
        assert later.split()[:2] == ["later", "auto"]
        assert note.startswith("later: The collection later of ")
        listed = json.loads(described.run("collections", "list", "--format", "json").stdout)
        assert [(one["name"], one["indexed"], one["chunks"]) for one in listed["collections"]] == [
            ("app", True, 4),
            ("later", False, 0),
        ]

    def test_info_tells_description_and_index(self, described: World) -> None:
        before = described.run("collections", "info", "app").stdout
        assert "coderank index --collection app" in before
        described.run("index", "--collection", "app")
        found = json.loads(described.run("collections", "info", "app", "--format", "json").stdout)
        assert (found["indexed_with"], found["chunks"], found["changed_since"]) == (bundled_model(), 4, 0)
        assert [one["name"] for one in found["sources"]] == ["src", "handbook"]
        text = described.run("collections", "info", "app").stdout
        assert f"name handbook, path {described.repo / 'docs'}" in text

    def test_an_export_can_be_indexed_again(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        file = tmp_path / "app.jsonl.gz"
        done = described.run("collections", "export", "app", "--out", str(file))
        assert done.stdout == f"app: 4 points written to {file}\n"
        lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        assert {tuple(line) for line in lines} == {("id", "payload")}
        again = described.run("collections", "export", "app", "--out", str(file))
        assert (again.returncode, "exists already" in again.stderr) == (2, True)
        (tmp_path / "collections.json").write_text(json.dumps({"copy": {"sources": [{"jsonl": "app.jsonl.gz"}]}}))
        shown = described.run("search", "overwrite the oldest item", "--collection", "copy", "-k", "1")
        assert shown.stdout.startswith("src/ring.py:")

    def test_an_export_with_vectors(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        described.run("collections", "export", "app", "--vectors", "--out", str(tmp_path / "app.jsonl"))
        first = json.loads((tmp_path / "app.jsonl").read_text().splitlines()[0])
        assert len(first["vectors"]["dense"]) == 384
        assert first["vectors"]["lexical"].keys() == {"indices", "values"}

    def test_an_export_as_parquet(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        for name, options in (("plain", []), ("full", ["--vectors"])):
            file = tmp_path / f"{name}.parquet"
            done = described.run("collections", "export", "app", "--out", str(file), *options)
            assert (done.returncode, done.stdout) == (0, f"app: 4 points written to {file}\n")
        with closing(Reader(tmp_path / "full.parquet")) as reader:
            reader.check()
            ((name, page),) = reader.pages()
        assert name == "app"
        assert {point.payload["path"] for point in page} >= {"src/ring.py", "handbook/guide.md"}
        assert {np.asarray(point.vectors["dense"]).shape for point in page} == {(384,)}
        with closing(Reader(tmp_path / "plain.parquet")) as reader:
            assert reader.header.dimensions == {}

    def test_delete_asks_and_takes_the_index_alone(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        refused = described.run("collections", "delete", "app")
        assert refused.returncode == 2
        assert "4 chunks at" in refused.stderr
        assert "can build it again from its sources" in refused.stderr
        assert "Add --yes" in refused.stderr
        done = described.run("collections", "delete", "app", "--yes")
        assert done.returncode == 0
        assert done.stdout.startswith("app: deleted (")
        assert list((tmp_path / "data" / "collections").iterdir()) == []
        assert (described.repo / "src" / "ring.py").exists()
        assert described.run("collections", "delete", "app", "--yes").stderr.startswith(
            "coderank: Nothing is indexed of the collection app."
        )
        assert described.run("search", "password", "--collection", "app").returncode == 0

    def test_one_that_is_no_longer_described_can_be_deleted(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        (tmp_path / "collections.json").write_text("{}")
        listed = described.run("collections", "list").stdout
        assert "app: It is no longer described: `coderank collections delete app` deletes its index" in listed
        done = described.run("collections", "delete", "app", "--yes")
        assert "nothing can build it again" in done.stderr
        assert done.stdout.startswith("app: deleted")

    def test_what_a_user_put_beside_an_index_is_not_deleted(self, described: World, tmp_path: Path) -> None:
        described.run("index", "--collection", "app")
        (folder,) = (tmp_path / "data" / "collections").iterdir()
        (folder / "notes.txt").write_text("mine")
        done = described.run("collections", "delete", "app", "--yes")
        assert done.returncode == 1
        assert "notes.txt" in done.stderr
        assert described.run("search", "password", "--collection", "app", "--no-sync").returncode == 0

    def test_on_a_server_only_what_coderank_wrote_is_deleted(self, described: World, tmp_path: Path) -> None:
        servers = Servers()
        try:
            ours, theirs = servers.collection(), servers.collection()
            with closing(servers.connection()) as connection:
                one = models.VectorParams(size=4, distance=models.Distance.DOT)
                connection.call(lambda client: client.create_collection(theirs, one), writes=True)
            entries = {
                "ours": {
                    "sources": [{"path": str(described.repo / "src")}],
                    "store": {"url": servers.url, "collection": ours},
                },
                "theirs": {"embedding_model": "all-minilm-l6-v2", "store": {"url": servers.url, "collection": theirs}},
            }
            (tmp_path / "collections.json").write_text(json.dumps(entries))
            assert described.run("index", "--collection", "ours").returncode == 0
            assert "deleted" in described.run("collections", "delete", "ours", "--yes").stdout
            refused = described.run("collections", "delete", "theirs", "--yes")
            assert (refused.returncode, "--foreign" in refused.stderr) == (2, True)
            assert described.run("collections", "delete", "theirs", "--yes", "--foreign").returncode == 0
            with closing(servers.connection()) as connection:
                assert {ours, theirs}.isdisjoint(collections(connection))
        finally:
            servers.close()
