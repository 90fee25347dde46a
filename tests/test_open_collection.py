"""Named collections through the engine: real sources, the real store, the bundled model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import models
from tests.store.servers import Servers
from tests.tiny_model import settings_with_tiny
from tests.upstream import Upstream

from coderank import Engine
from coderank.errors import (
    CoderankError,
    ConfigurationError,
    IndexCorruptError,
    IndexNotFoundError,
    InvalidQueryError,
    PathNotFoundError,
    SourceUnavailableError,
    UsageError,
)
from coderank.loading.choice import bundled_model
from coderank.loading.opened import opened_embedder
from coderank.models.catalogue import get
from coderank.settings import Settings
from coderank.store.server_connection import Connection
from coderank.store.server_names import delete_collection

RING = "class RingBuffer:\n    def push(self, item):\n        self.items.append(item)\n"
LOGIN = "def check_password(user, password):\n    return user.hash == digest(password)\n"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "conf" / "collections.json"
    file.parent.mkdir()
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", background=False, collections_file=file)


@pytest.fixture
def sources(tmp_path: Path) -> list[dict[str, object]]:
    """A folder, a repository and ready chunks."""
    (tmp_path / "src" / "vendor").mkdir(parents=True)
    (tmp_path / "src" / "login.py").write_text(LOGIN)
    (tmp_path / "src" / ".env").write_text("PASSWORD=x\n")
    (tmp_path / "src" / "vendor" / "other.py").write_text("def password_of_others(): ...\n")
    Upstream(tmp_path / "upstream").commit(ring=RING)
    chunk = {"content": "Reset a forgotten password by mail.", "path": "faq/reset.md", "start_line": 12}
    (tmp_path / "ready.jsonl").write_text(json.dumps(chunk) + "\n{}\n")
    return [
        {"path": "../src", "exclude": ["vendor/"]},
        {"git": (tmp_path / "upstream").as_uri()},
        {"jsonl": "../ready.jsonl", "name": "faq"},
    ]


def describe(settings: Settings, **collections: object) -> None:
    assert settings.collections_file
    settings.collections_file.write_text(json.dumps(collections))


def test_several_sources_are_one_index(settings: Settings, sources: list[dict[str, object]], tmp_path: Path) -> None:
    describe(settings, code={"sources": sources})
    with Engine.open_collection("code", settings=settings) as engine:
        report = engine.index()
        hits = {hit.path: hit for hit in engine.search("password")}
        status = engine.status()
    assert (report.files, report.chunks, report.dense_coverage) == (3, 3, 1.0)
    assert set(hits) == {"src/login.py", "upstream/ring.py", "faq/faq/reset.md"}
    assert hits["faq/faq/reset.md"].start_line == 12
    for path in ("src/login.py", "upstream/ring.py"):
        assert Path(hits[path].root, path).is_file()
    assert hits["faq/faq/reset.md"].root == ""
    assert {(skip.path, skip.reason.value) for skip in status.skips} == {
        ("src/.env", "secret"),
        ("faq/ready.jsonl:2", "malformed"),
    }
    assert status.changed_since == 0
    assert engine.index_dir.parent == tmp_path / "data" / "collections"


def test_one_source_needs_no_prefix(settings: Settings, sources: list[dict[str, object]], tmp_path: Path) -> None:
    describe(settings, code={"sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.sync()
        (hit,) = engine.search("password")
        assert (hit.path, hit.root) == ("login.py", str(tmp_path / "src"))
        assert engine.text(f"{tmp_path}/src/login.py") == LOGIN


def test_a_change_of_a_source_or_of_the_description_is_taken_in(
    settings: Settings, sources: list[dict[str, object]], tmp_path: Path
) -> None:
    describe(settings, code={"sources": sources})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
        (tmp_path / "src" / "session.py").write_text("def open_session(): ...\n")
        report = engine.sync()
        assert (report.changed_files, report.deleted_files, report.chunks) == (1, 0, 4)
    describe(settings, code={"sources": [*sources[:1], *sources[2:]]})
    with Engine.open_collection("code", settings=settings) as engine:
        report = engine.sync()
        assert (report.changed_files, report.deleted_files, report.chunks) == (0, 1, 3)


def test_what_is_of_a_source_no_longer_described_is_found_until_the_next_sync(
    settings: Settings, sources: list[dict[str, object]]
) -> None:
    describe(settings, code={"sources": sources})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
    describe(settings, code={"sources": sources[1:]})
    with Engine.open_collection("code", settings=settings) as engine:
        hits = {hit.path: hit.root for hit in engine.search("password")}
        assert hits["src/login.py"] == ""
        assert engine.text("src/login.py") is None
        engine.sync()
        assert "src/login.py" not in {hit.path for hit in engine.search("password")}


def test_a_repository_is_fetched_by_index_and_by_nothing_else(settings: Settings, tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "upstream")
    upstream.commit(ring=RING)
    describe(settings, code={"sources": [{"git": upstream.url}]})
    with Engine.open_collection("code", settings=settings) as engine:
        with pytest.raises(SourceUnavailableError, match="coderank index --collection code"):
            engine.sync()
        engine.index()
        upstream.commit(login=LOGIN)
        assert engine.sync().changed_files == 0
        assert engine.index(refresh=False).changed_files == 0
        assert engine.index().changed_files == 1


def test_a_source_that_is_away_is_not_forgotten(
    settings: Settings, sources: list[dict[str, object]], tmp_path: Path
) -> None:
    describe(settings, code={"sources": sources})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
        (tmp_path / "src").rename(tmp_path / "unmounted")
        with pytest.raises(SourceUnavailableError, match="The source 'src' of the collection code is not there"):
            engine.sync()
        assert len(engine.search("password")) == 3


def test_related_takes_a_path_as_a_hit_shows_it(
    settings: Settings, sources: list[dict[str, object]], tmp_path: Path
) -> None:
    describe(settings, code={"sources": sources})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
        by_path = engine.related("src/login.py", 1).hits
        assert by_path
        assert engine.related(str(tmp_path / "src" / "login.py"), 1).hits == by_path
        with pytest.raises(PathNotFoundError, match="--collection code"):
            engine.related("login.py", 1)


def test_collections_of_one_name_in_two_files_are_two(
    settings: Settings, sources: list[dict[str, object]], tmp_path: Path
) -> None:
    describe(settings, code={"sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.sync()
    shutil.copytree(tmp_path / "conf", tmp_path / "other")
    other = Settings(settings.data_dir, settings.cache_dir, collections_file=tmp_path / "other" / "collections.json")
    with (
        pytest.raises(IndexNotFoundError, match="Run: coderank index --collection code"),
        Engine.open_collection("code", settings=other) as engine,
    ):
        engine.search("password")


def test_one_without_sources_is_refused_until_something_was_loaded(
    settings: Settings, sources: list[dict[str, object]]
) -> None:
    describe(settings, code={})
    with pytest.raises(ConfigurationError, match="has no sources"):
        Engine.open_collection("code", settings=settings)
    describe(settings, code={"sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
    describe(settings, code={})
    with Engine.open_collection("code", settings=settings) as engine:
        assert engine.sync().deleted_files == 0
        assert engine.status().changed_since == 0
        assert [hit.path for hit in engine.search("password")] == ["login.py"]


@pytest.mark.parametrize(
    ("described", "complaint"),
    [
        (
            {"embedding_model": "all-minilm-l6-v2", "embedding_dimension": 768},
            "all-minilm-l6-v2 makes 384.*coderank-em",
        ),
        ({"embedding_model": "nomic-ai/CodeRankEmbed", "embedding_dimension": 3584}, "makes 768.*nomic-embed-code"),
        ({"embedding_model": "coderank-llm"}, "not an embedder"),
        ({"embedding_model": "no-such"}, "no model is called 'no-such'"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(settings: Settings, described: dict[str, object], complaint: str) -> None:
    describe(settings, code=described | {"sources": [{"path": "."}]})
    with pytest.raises(Exception, match=complaint) as caught:
        Engine.open_collection("code", settings=settings)
    assert caught.value.exit_code == 2  # type: ignore[attr-defined] # a CoderankError


def test_an_index_keeps_the_model_it_was_built_with(settings: Settings, sources: list[dict[str, object]]) -> None:
    describe(settings, code={"embedding_model": "all-minilm-l6-v2", "sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
    describe(settings, code={"embedding_model": "nomic-ai/CodeRankEmbed", "sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        assert engine.model == "all-minilm-l6-v2"
        assert engine.search("password").index.dense_coverage == 1.0


def test_a_rebuild_takes_the_described_model(
    settings: Settings, sources: list[dict[str, object]], tmp_path: Path
) -> None:
    settings = replace(settings_with_tiny(tmp_path), collections_file=settings.collections_file)
    describe(settings, code={"embedding_model": "all-minilm-l6-v2", "sources": sources[:1]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.index()
    describe(settings, code={"embedding_model": "tiny", "sources": sources[:1]})
    with Engine.open_collection("code", settings=settings, remember=False) as engine:
        engine.index(rebuild=True)
    with Engine.open_collection("code", settings=settings) as engine:
        assert engine.model == "tiny"
        assert engine.search("password").index.dense_coverage == 1.0


def test_a_source_can_be_one_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "login.py").write_text(LOGIN)
    describe(settings, code={"sources": [{"path": "../login.py"}]})
    with Engine.open_collection("code", settings=settings) as engine:
        engine.sync()
        (hit,) = engine.search("password")
    assert Path(hit.root, hit.path) == tmp_path / "login.py"


class TestReranking:
    def test_what_a_collection_asks_for_is_the_default(
        self, settings: Settings, sources: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coderank.loading.rerankers.CROSS_ENCODERS", ())
        wanted = {"enabled": True, "model": "nomic-ai/CodeRankLLM", "candidates": 50, "top_k": 2}
        describe(settings, code={"reranking": wanted, "sources": sources})
        with Engine.open_collection("code", settings=settings) as engine:
            engine.index()
            found = engine.search("the password of a user")
            assert len(found) == 2
            assert found.stages[-1].name == "rerank"
            assert found.stages[-1].detail.startswith("skipped: No reranker is configured")
            assert all(stage.name != "rerank" for stage in engine.search("the password", rerank=False).stages)
            assert len(engine.search("the password", limit=3, rerank=False)) == 3
            with pytest.raises(ConfigurationError, match="No reranker is configured"):
                engine.search("the password", rerank=True)

    def test_off_is_off(self, settings: Settings, sources: list[dict[str, object]]) -> None:
        describe(settings, code={"reranking": {"enabled": False, "top_k": 1}, "sources": sources[:1]})
        with Engine.open_collection("code", settings=settings) as engine:
            engine.sync()
            found = engine.search("the password of a user")
            assert all(stage.name != "rerank" for stage in found.stages)


class TestOnAServer:
    """Against the test server of ``tests/store``, or a real one where QDRANT_URL names it."""

    def test_it_is_indexed_into_and_searched_there(
        self, settings: Settings, sources: list[dict[str, object]], servers: Servers
    ) -> None:
        store = {"url": servers.url, "collection": servers.collection()}
        describe(settings, code={"sources": sources, "store": store})
        with Engine.open_collection("code", settings=settings) as engine:
            report = engine.index()
            assert (report.chunks, report.dense_coverage) == (3, 1.0)
            assert {hit.path for hit in engine.search("password")} == {
                "src/login.py",
                "upstream/ring.py",
                "faq/faq/reset.md",
            }
            assert [hit.path for hit in engine.search("password", paths=["src/**"])] == ["src/login.py"]
            assert engine.related("src/login.py", 1).hits
            assert engine.status().changed_since == 0
            assert engine.sync().changed_files == 0
            with closing(engine.points()) as points:
                assert points.count() == 3
        assert not (engine.index_dir / "shard").exists()

    def test_another_machine_searches_it_without_sources(
        self, settings: Settings, sources: list[dict[str, object]], servers: Servers, tmp_path: Path
    ) -> None:
        store = {"url": servers.url, "collection": servers.collection()}
        describe(settings, code={"sources": sources, "store": store}, theirs={"store": store})
        with Engine.open_collection("code", settings=settings) as engine:
            engine.index()
            here = engine.search("password")
        elsewhere = replace(settings, data_dir=tmp_path / "elsewhere")
        with Engine.open_collection("theirs", settings=elsewhere) as engine:
            assert engine.model == bundled_model()
            there = engine.search("password")
            assert [(hit.path, hit.score) for hit in there] == [(hit.path, hit.score) for hit in here]
            assert engine.sync().changed_files == 0
            assert engine.text("src/login.py") is None
            assert engine.index(refresh=False).chunks == 3
            assert engine.fill() == 0
            assert engine.status().chunks == 3
            with pytest.raises(UsageError, match="has no sources: another program writes it"):
                engine.index()
            with pytest.raises(UsageError, match="has no sources"):
                engine.index(rebuild=True)
            with pytest.raises(InvalidQueryError, match="Leave --path out"):
                engine.search("password", paths=["src/**"])
        assert not (tmp_path / "elsewhere" / "collections").exists()

    def test_what_another_program_wrote_is_searched_by_its_vectors(self, settings: Settings, servers: Servers) -> None:
        name = servers.collection()
        with closing(servers.connection()) as connection:
            _write_notes(connection, name)
        notes = {"embedding_model": "all-minilm-l6-v2", "store": {"url": servers.url, "collection": name}}
        describe(settings, notes=notes, unknown={"store": notes["store"]})
        with Engine.open_collection("notes", settings=settings) as engine:
            best = engine.search("how do I sign in")[0]
            assert best.content == "Sign in with a password."
        with pytest.raises(ConfigurationError, match="Name it as embedding_model of unknown"):
            Engine.open_collection("unknown", settings=settings)

    def test_a_lost_collection_is_not_an_empty_one(
        self, settings: Settings, sources: list[dict[str, object]], servers: Servers
    ) -> None:
        store = {"url": servers.url, "collection": servers.collection()}
        describe(settings, code={"sources": sources[:1], "store": store})
        with Engine.open_collection("code", settings=settings) as engine:
            engine.index()
        with closing(servers.connection()) as connection:
            delete_collection(connection, str(store["collection"]))
        with Engine.open_collection("code", settings=settings) as engine, pytest.raises(IndexCorruptError):
            engine.search("password")
        with Engine.open_collection("code", settings=settings) as engine:
            engine.index()
            assert [hit.path for hit in engine.search("password")] == ["login.py"]

    def test_a_server_that_is_down_is_named(self, settings: Settings, sources: list[dict[str, object]]) -> None:
        describe(settings, code={"sources": sources[:1], "store": {"url": "http://127.0.0.1:9"}})
        with (
            Engine.open_collection("code", settings=settings) as engine,
            pytest.raises(CoderankError, match=r"127\.0\.0\.1:9"),
        ):
            engine.sync()


def _write_notes(connection: Connection, name: str) -> None:
    """Write as mcp-server-qdrant does."""
    texts = ["Sign in with a password.", "The ring buffer overwrites its oldest item."]
    model = opened_embedder(get("all-minilm-l6-v2"), Settings(Path(), Path()))
    vectors = model.embed_documents(texts)
    config = {"fast-all-minilm-l6-v2": models.VectorParams(size=384, distance=models.Distance.COSINE)}
    connection.call(lambda client: client.create_collection(name, config), writes=True)
    points = [
        models.PointStruct(
            id=number, vector={"fast-all-minilm-l6-v2": vector.tolist()}, payload={"document": text, "metadata": None}
        )
        for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    connection.call(lambda client: client.upsert(name, points, wait=True), writes=True)
