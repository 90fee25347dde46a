"""What is compared where one side is on a server; in this process, the server in another thread."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.servers import Servers

from coderank.cli.comparing import How, answered, compare, drawn, find
from coderank.cli.moved import opened
from coderank.engine import Engine
from coderank.errors import DatasetError, IndexNotFoundError, PathNotFoundError
from coderank.evaluation import golden
from coderank.evaluation.golden import Asked, Place
from coderank.evaluation.sides import Comparison, Side
from coderank.settings import Settings

HOW = How("hybrid", rerank=False, name="mine")
ASKED = [Asked("compare the password of a user", ("login.py",))]


@pytest.fixture
def servers() -> Iterator[Servers]:
    with closing(Servers()) as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, servers: Servers) -> Settings:
    """Two collections of the same folder, one of them on a server; both are indexed."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "login.py").write_text("def check(user, password):\n    return user.hash == digest(password)\n")
    sources = [{"path": str(source)}]
    store = {"url": servers.url, "collection": servers.collection()}
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({"here": {"sources": sources}, "there": {"sources": sources, "store": store}}))
    found = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", collections_file=file, background=False)
    for name in ("here", "there"):
        with Engine.open_collection(name, settings=found) as engine:
            engine.index()
    return found


def side(name: str, settings: Settings) -> Side:
    return answered(find(name, settings), golden.dataset("mine", ASKED), HOW, settings)


def test_a_collection_comes_before_a_folder_of_its_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert (find("here", settings).root, find("./here", settings).root) == ("", "./here")
    monkeypatch.setenv("CODERANK_COLLECTIONS_FILE", str(settings.collections_file))
    monkeypatch.setenv("CODERANK_DATA_DIR", str(settings.data_dir))
    with opened("here", "", None) as engine:  # as a migration does
        assert engine.collection == "here"
    with opened("./here", "", None) as engine:
        assert engine.collection == ""


def test_questions_are_drawn_of_the_history_of_each_source(tmp_path: Path) -> None:
    sources = []
    for name, subject in (("one", "Count the wheels of every wagon twice"), ("two", "Paint the doors of the barn red")):
        root = tmp_path / name
        root.mkdir()
        (root / "part.py").write_text(f"def {name}(value):\n    return value\n")
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", subject]):
            known = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
            subprocess.run(["git", "-C", str(root), *known, *arguments], check=True)
        sources.append({"path": str(root)})
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({"both": {"sources": sources}, "first": {"sources": sources[:1]}}))
    settings = Settings(data_dir=tmp_path / "d", cache_dir=tmp_path / "c", collections_file=file, background=False)
    found = {}
    for name in ("both", "first"):
        with Engine.open_collection(name, settings=settings) as engine:
            engine.index()
        found[name] = {one.query: one.relevant for one in drawn(find(name, settings), 5, settings)}
    assert found["first"] == {"Count the wheels of every wagon twice": ("part.py",)}
    assert found["both"] == {
        "Count the wheels of every wagon twice": ("one/part.py",),
        "Paint the doors of the barn red": ("two/part.py",),
    }


def test_a_server_answers_alike_and_what_it_takes_on_disk_is_not_known(settings: Settings) -> None:
    found = Comparison(side("here", settings), side("there", settings))
    assert found.likeness()["overlap@10"] == 1.0
    assert found.verdict(0.0).passed
    assert found.old.cost.disk_bytes
    assert found.new.cost.disk_bytes is None
    assert found.old.cost.peak_mib


def test_lines_of_a_collection_on_a_server_cannot_be_hidden(settings: Settings) -> None:
    hiding = [Asked("what compares", ("login.py",), hides=(Place("login.py", 1, 1),))]
    with pytest.raises(DatasetError, match="is on a server, where it cannot be copied"):
        compare(find("there", settings), find("here", settings), hiding, HOW, settings)


def test_errors_of_a_side_come_back_as_they_are(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "never").mkdir()
    never = find(str(tmp_path / "never"), settings)
    with pytest.raises(IndexNotFoundError, match="was never indexed") as raised:
        compare(never, never, ASKED, HOW, settings)
    assert "coderank index" in raised.value.remedy
    with pytest.raises(PathNotFoundError, match="no indexed path, no folder of an index and no collection"):
        find("nowhere", settings)


def test_nothing_to_draw_from_is_said(settings: Settings) -> None:
    with pytest.raises(DatasetError, match="no doc strings, headings or commits"):
        drawn(find("here", settings), 5, settings)
