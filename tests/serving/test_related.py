"""Code like that at a place: in whichever folder the path means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_tree import QUESTION, write_tree

from coderank.errors import InvalidQueryError, LineNotFoundError, PathNotFoundError
from coderank.serving.workspace import Question, Workspace
from coderank.settings import Settings


def test_related_takes_a_path_as_a_hit_names_it(workspace: Workspace, repo: Path) -> None:
    workspace.search(Question(QUESTION))
    for path in ("src/ring.py", str(repo / "src" / "ring.py"), "./src/ring.py", "src//../src/ring.py"):
        answer = workspace.related(path, 5)
        assert "src/ring.py" not in {hit.path for hit in answer.result}
        assert len(answer.result) > 0
    for path in ("../repo/../secret.txt", "/etc/passwd", "SRC/RING.PY", "src/ring.py/../../../etc/passwd"):
        with pytest.raises(PathNotFoundError, match="The index has no"):
            workspace.related(path, 1)


@pytest.fixture
def twins(repo: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The current folder and its neighbour, with files of the same names."""
    write_tree(tmp_path / "lib")
    (tmp_path / "lib" / "src" / "ring.py").write_text("def ring_a_bell(): ...\n")
    write_tree(tmp_path / "lib", {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    monkeypatch.chdir(repo)
    opened = Workspace.open([".", "../lib"], settings)
    opened.search(Question(QUESTION))
    yield opened
    opened.close()


def asked(workspace: Workspace, path: str, line: int = 1) -> str:
    [part] = workspace.related(path, line).parts
    return part.kept.target.name


def test_the_beginning_of_a_path_says_which_folder_is_meant(twins: Workspace, tmp_path: Path) -> None:
    for hit in twins.search(Question("ring bell password")).result:
        name = {".": "repo", "../lib": "lib"}[hit.root]
        assert asked(twins, f"{hit.root}/{hit.path}") == name
        assert asked(twins, str(tmp_path / name / hit.path)) == name
    assert asked(twins, "src/ring.py") == "repo"
    assert asked(twins, "lion.py") == "lib"
    with pytest.raises(LineNotFoundError, match=r"ring\.py has no line 5 in the index"):
        twins.related("../lib/src/ring.py", 5)
    with pytest.raises(PathNotFoundError, match=r"The index has no nothing\.py"):
        twins.related("../lib/nothing.py", 1)


def test_a_path_that_several_folders_have_is_refused_with_all_of_them(tmp_path: Path, settings: Settings) -> None:
    folders = [write_tree(tmp_path / name) for name in ("app", "lib")]
    write_tree(folders[1], {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    workspace = Workspace.open([str(folder) for folder in folders], settings)
    workspace.search(Question(QUESTION))
    with pytest.raises(InvalidQueryError, match=r"Several have src/ring\.py: app, lib") as refused:
        workspace.related("src/ring.py", 1)
    assert all(f"{folder}/src/ring.py" in refused.value.remedy for folder in folders)
    assert len(workspace.related("src/ring.py", 1, collection="lib").result) > 0
    with pytest.raises(LineNotFoundError, match=r"lion\.py has no line 99"):
        workspace.related("lion.py", 99)
    workspace.close()


def test_a_folder_may_have_one_of_its_own_name(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path / "src", {"src/a.py": "def inner(): ...\n", "b.py": "def outer(): ...\n"})
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.open(["src"], settings)
    for path in ("src/a.py", "src/src/a.py", "src/b.py", "b.py"):
        assert asked(workspace, path) == "src"
    workspace.close()
