"""The facade over real parts: what a Python user sees."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from coderank import Engine
from coderank.errors import (
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotFoundError,
    InvalidQueryError,
    ModelNotFoundError,
    PathNotFoundError,
)
from coderank.loading.choice import bundled_model
from coderank.settings import Settings
from coderank.types import Skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "tests").mkdir(parents=True)
    (root / "session.py").write_text(
        "class Session:\n    def send(self, request):\n        '''Send a request and follow redirects.'''\n"
        "        return self.adapter.send(request)\n"
    )
    (root / "cookies.py").write_text(
        "def merge_cookies(jar, other):\n    for cookie in other:\n        jar.set(cookie)\n"
    )
    (root / "tests" / "test_session.py").write_text("def test_send():\n    assert Session().send(None)\n")
    (root / "guide.md").write_text("# Guide\n\nHow to send a request.\n")
    return root


def _times(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def test_open_index_search(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        report = engine.index()
        assert (report.files, report.dense_coverage) == (4, 1.0)
        found = engine.search("how is a request sent", limit=3)
        assert found[0].path == "session.py"
        assert found[0].root == str(root)
        assert len(found) == len(list(found)) == 3
        assert [stage.name for stage in found.stages] == ["embed", "retrieve", "rank"]
        assert (found.index.model, found.index.dense_coverage) == (bundled_model(), 1.0)
        assert engine.search("Session.send")[0].symbol.startswith("Session")


def test_each_mode_runs_its_legs(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=replace(settings, static_model="none")) as engine:
        engine.sync()
        assert engine.search("merge cookies").stages[1].detail == "lexical"
        engine.fill()
        for mode, legs in (("hybrid", "dense + lexical"), ("dense", "dense"), ("lexical", "lexical")):
            found = engine.search("merge cookies", mode=mode)
            assert found.stages[1].detail == legs
            assert found[0].path == "cookies.py"


def test_filters_restrict(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        assert {hit.path for hit in engine.search("send", languages=["md"])} == {"guide.md"}
        assert {hit.path for hit in engine.search("send", paths=["tests/"])} == {"tests/test_session.py"}
        assert len(engine.search("send", paths=["*.java"])) == 0


def test_related_leaves_out_the_code_itself(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        found = engine.related("session.py", 2)
        assert "session.py" not in {hit.path for hit in found}
        assert len(found) == 3
        with pytest.raises(PathNotFoundError, match=r"session\.py"):
            engine.related("session.py", 99)
        with pytest.raises(PathNotFoundError, match="nowhere"):
            engine.related("nowhere.py", 1)


def test_a_search_takes_in_nothing_and_needs_an_index(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        with pytest.raises(IndexNotFoundError, match="never indexed"):
            engine.search("anything")
        assert not settings.data_dir.exists()
        with pytest.raises(InvalidQueryError):
            engine.search("")


def test_a_query_without_a_term_is_an_answer_not_an_error(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=replace(settings, static_model="none")) as engine:
        engine.sync()
        assert len(engine.search("{")) == 0


def test_status_tells_what_changed(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        (root / "new.py").write_text("def new(): ...\n")
        status = engine.status()
        assert (status.files, status.changed_since, status.dense_coverage) == (4, 1, 1.0)
        assert dict(status.languages)["python"] == 3
        engine.index()
        assert engine.status().changed_since == 0


def test_a_rebuild_is_seen_by_an_engine_that_was_open(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as before, Engine.open(root, settings=settings) as other:
        before.index()
        first = (root / "cookies.py").read_text()
        other.index(rebuild=True)
        (root / "cookies.py").write_text("def eat_biscuits(): ...\n")
        other.index()
        (root / "cookies.py").write_text(first)
        assert before.status().changed_since == 1
        before.index()
        assert "merge_cookies" in before.search("merge cookies")[0].content


def test_a_draft_left_by_a_killed_process_is_no_obstacle(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index_dir.mkdir(parents=True)
        (engine.index_dir / ".index.json-abc123").write_text("{")
        (engine.index_dir / "manifest.db.4711.draft").write_text("")
        assert engine.index().files == 4


def test_an_index_folder_belongs_to_one_root(root: Path, settings: Settings, tmp_path: Path) -> None:
    with Engine.open(root, index_dir=tmp_path / "index", settings=settings) as engine:
        engine.sync()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(IndexIncompatibleError, match="holds the index of"):
        Engine.open(other, index_dir=tmp_path / "index", settings=settings)


def test_status_and_a_search_write_nothing(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
    shutil.rmtree(settings.cache_dir)
    held = _times(engine.index_dir)
    with Engine.open(root, settings=settings) as engine:
        assert engine.status().changed_since == 0
        engine.close()
        assert _times(engine.index_dir) == held
        assert len(engine.search("send", mode="lexical"))
    assert not settings.cache_dir.exists()


@pytest.mark.parametrize("is_open", [True, False])
def test_points_that_are_lost_are_told_by_every_reader(root: Path, settings: Settings, is_open: bool) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        assert len(engine.search("send"))
        if not is_open:
            engine.close()
        shutil.rmtree(engine.index_dir / "shard")
        with pytest.raises(IndexCorruptError, match="lost chunks"):
            engine.status()
        for _ in range(2):
            with pytest.raises(IndexCorruptError, match="lost chunks"):
                engine.search("send")
        assert not (engine.index_dir / "shard").exists()
        engine.index()
        assert len(engine.search("send"))


def test_an_index_of_nothing_is_answered_with_nothing(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "empty").mkdir()
    with Engine.open(tmp_path / "empty", settings=settings) as engine:
        engine.index()
        assert (engine.status().files, len(engine.search("send"))) == (0, 0)
        assert not (engine.index_dir / "shard").exists()


def test_a_file_is_a_root_of_its_own(root: Path, settings: Settings) -> None:
    with Engine.open(root / "cookies.py", settings=settings) as engine:
        assert engine.index().files == 1
        assert engine.search("cookies")[0].path == "cookies.py"


def test_unknown_names_are_refused(root: Path, settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError):
        Engine.open(root, model="no-such-model", settings=settings)
    with pytest.raises(PathNotFoundError):
        Engine.open(root / "nothing", settings=settings)


def test_a_query_that_was_anticipated_is_answered_alike(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.anticipate("send a request")  # not indexed: there is nothing to compare it with
        engine.index()
        plain = engine.search("send a request")
        engine.anticipate("send a request")
        assert engine.search("send a request").hits == plain.hits
        assert engine.search("merge cookies").hits == engine.search("merge cookies").hits


def test_one_shot_leaves_an_index_that_was_only_read_to_the_end_of_the_process(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings, one_shot=True) as engine:
        engine.index()
    # It wrote, so it is closed, and its data are where another process finds them.
    with Engine.open(root, settings=settings, one_shot=True) as reader:
        hits = reader.search("send").hits
    with Engine.open(root, settings=settings) as other:  # the reader, still open, hands over
        assert other.search("send").hits == hits
    reader.close()


def test_the_text_of_a_file_is_todays_and_never_one_from_outside(root: Path, settings: Settings) -> None:
    (root.parent / "secret.py").write_text("TOKEN = 1\n")
    (root / "leak.py").symlink_to(root.parent / "secret.py")
    (root / ".env").write_text("TOKEN=1\n")
    with Engine.open(root, settings=settings) as engine:
        engine.sync()
        (root / "guide.md").write_text("# Another\r\nguide\n")
        assert engine.text("guide.md") == "# Another\nguide\n"
        for path in ("gone.py", "leak.py", ".env", "../secret.py", str(root.parent / "secret.py"), "tests"):
            assert isinstance(engine.text(path), Skip), path
