"""A branch is switched under the server: the next answer is of the other one, whole and alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.serving.waiting import covered

from coderank.serving.follow import NOBODY
from coderank.serving.spans import Standing
from coderank.serving.tools import tools
from coderank.serving.workspace import Question, Workspace

ZEBRA = "def zebra_crossing():\n    '''Stripes on a road.'''\n    return 'stripes'\n"


@pytest.fixture
def git(repo: Path) -> Callable[..., None]:
    """Runs git in the repository, which has two branches: ``main``, and ``zoo`` that is checked out."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

    def run(*arguments: str) -> None:
        subprocess.run(["git", *who, *arguments], cwd=repo, check=True, capture_output=True, env=os.environ | nobody)

    run("init", "-q", "-b", "main")
    run("add", ".")
    run("commit", "-q", "-m", "one")
    run("checkout", "-q", "-b", "zoo")
    (repo / "zebra.py").write_text(ZEBRA)
    (repo / "docs" / "guide.md").unlink()
    login = repo / "src" / "login.py"
    login.write_text("import hmac\n\n\n" + login.read_text().replace("user.hash ==", "hmac.compare_digest(user.hash,"))
    run("add", "-A")
    run("commit", "-q", "-m", "two")
    return run


def test_an_answer_is_of_the_branch_that_is_checked_out(
    git: Callable[..., None], workspace: Workspace, repo: Path
) -> None:
    def seen(query: str) -> dict[str, str]:
        answer = workspace.search(Question(query))
        assert answer.parts[0].freshness.current
        spans, gone = answer.checked(answer.result.hits)
        assert {span.standing for span in spans} == {Standing.CURRENT}
        assert gone == 0
        return {span.hit.path: span.hit.content for span in spans}

    workspace.search(Question("password zebra"))
    covered(workspace)
    for _ in range(2):
        zoo = seen("password zebra")
        assert set(zoo) == {"src/ring.py", "src/login.py", "zebra.py"}
        assert "compare_digest" in zoo["src/login.py"]
        git("checkout", "-q", "main")
        main = seen("password zebra")
        assert set(main) == {"src/ring.py", "src/login.py", "docs/guide.md"}
        assert "compare_digest" not in main["src/login.py"]
        git("checkout", "-q", "zoo")
    assert workspace.search(Question("password zebra")).result.index.dense_coverage == 1


def test_a_switch_between_search_and_answer_shows_nothing_of_the_branch_before(
    git: Callable[..., None], workspace: Workspace
) -> None:
    answer = workspace.search(Question("password zebra"))
    git("checkout", "-q", "main")
    spans, gone = answer.checked(answer.result.hits)
    assert gone == 1
    shown = {span.hit.path: span for span in spans}
    assert set(shown) == {"src/ring.py", "src/login.py"}
    assert shown["src/login.py"].standing is Standing.CHANGED
    assert "compare_digest" not in shown["src/login.py"].hit.content
    [search] = [tool for tool in tools(workspace) if tool.name == "search_code"]
    assert "zebra.py" not in search.run(workspace, {"query": "zebra"}, NOBODY).text
