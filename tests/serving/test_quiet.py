"""Whether a server looks at its trees again: only where something may have changed."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.serving.waiting import covered
from tests.small_tree import QUESTION, write_tree

from coderank import Engine
from coderank.serving import watch
from coderank.serving.workspace import Question, Workspace
from coderank.settings import Settings


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Which engines looked at their trees."""
    found: list[Engine] = []
    real = Engine.sync

    def counted(engine: Engine, **arguments: object) -> object:
        found.append(engine)
        return real(engine, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "sync", counted)
    return found


def test_a_quiet_tree_is_not_looked_at_again(workspace: Workspace, repo: Path, looks: list[Engine]) -> None:
    workspace.search(Question(QUESTION))
    covered(workspace)
    workspace.search(Question(QUESTION))
    looks.clear()
    for number in range(20):
        (repo / f"fresh{number}.py").write_text(f"def fresh_{number}():\n    return 'dewdrop{number}'\n")
        assert workspace.search(Question(f"dewdrop{number}")).result[0].path == f"fresh{number}.py"
    assert len(looks) >= 20
    if sys.platform == "linux":
        looks.clear()
        for _ in range(20):
            workspace.search(Question(QUESTION))
        assert len(looks) <= 3  # the caretaker's own, and one where five seconds are over on a slow machine


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every question looks")
def test_a_quiet_collection_is_not_looked_at_again_unless_a_source_is_no_folder(
    repo: Path, tmp_path: Path, settings: Settings, looks: list[Engine]
) -> None:
    more = write_tree(tmp_path / "more", {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    lines = tmp_path / "chunks.jsonl"
    lines.write_text(json.dumps({"path": "a.py", "content": "def tiger(): ..."}) + "\n")
    both = [{"path": str(repo), "name": "one", "include": ["*.py"]}, {"path": str(more), "name": "two"}]
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({"both": {"sources": both}, "mixed": {"sources": [*both, {"jsonl": str(lines)}]}}))
    workspace = Workspace.open([str(repo)], replace(settings, collections_file=file))
    for name in ("both", "mixed"):
        workspace.search(Question(QUESTION, collection=name))
    looks.clear()
    for folder, name, word in ((repo, "one", "dewdrop"), (more, "two", "hailstone")):
        (folder / f"{word}.py").write_text(f"def {word}(): ...\n")
        assert workspace.search(Question(word, collection="both")).result[0].path == f"{name}/{word}.py"
    workspace.search(Question(QUESTION, collection="mixed"))
    looks.clear()
    for name in ("both", "mixed"):
        for _ in range(10):
            workspace.search(Question(QUESTION, collection=name))
    assert sum(engine.collection == "both" for engine in looks) <= 3
    assert sum(engine.collection == "mixed" for engine in looks) >= 10
    workspace.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every question looks")
def test_where_questions_come_all_the_time_none_waits_for_a_look(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.search(Question(QUESTION))
    covered(workspace)
    assert workspace.search(Question(QUESTION)).parts[0].freshness.current
    looks: list[float] = []
    let = threading.Event()
    real = Engine.sync

    def slow(engine: Engine, **arguments: object) -> object:
        looks.append(time.monotonic())
        let.wait(30)
        return real(engine, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "sync", slow)
    monkeypatch.setattr(watch, "RENEW_S", 0.0)
    monkeypatch.setattr(watch, "TRUST_S", 600.0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: workspace.search(Question(QUESTION)), range(40)))
    assert all(answer.parts[0].freshness.current for answer in answers)
    assert len(looks) == 1
    let.set()
