"""Named collections through the engine: real sources, the real store, the bundled model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.upstream import Upstream

from coderank import Engine
from coderank.errors import ConfigurationError, IndexNotFoundError, PathNotFoundError, SourceUnavailableError
from coderank.settings import Settings

RING = "class RingBuffer:\n    def push(self, item):\n        self.items.append(item)\n"
LOGIN = "def check_password(user, password):\n    return user.hash == digest(password)\n"


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


class TestReranking:
    def test_what_a_collection_asks_for_is_the_default(
        self, settings: Settings, sources: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coderank.loading.rerankers.pulled_cross_encoder", lambda: None)
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
