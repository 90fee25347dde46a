"""What a client calls the files of a target: compared as text."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from coderank.serving.targets import folders, glob_inside, inside_of
from coderank.settings import Settings


def test_paths_are_compared_as_text() -> None:
    assert inside_of(".", "/home/a/app", "src/x.py") == "src/x.py"
    assert inside_of("app", "/home/a/app", "app/src/x.py") == "src/x.py"
    assert inside_of("app", "/home/a/app", "/home/a/app/src/x.py") == "src/x.py"
    assert inside_of("app", "/home/a/app", "/home/a/application/x.py") == "/home/a/application/x.py"
    assert inside_of(".", "/home/a/app", "src\\x.py") == "src/x.py"


def test_globs_are_compared_as_text() -> None:
    app = partial(glob_inside, "app", "/home/a/app")
    assert app("app/src/**") == "/src/**"
    assert app("/home/a/app/src/x.py") == "/src/x.py"
    assert app("!/home/a/app/src/") == "!/src/"
    assert app("/home/a/app") == app("app/") == "/**"
    assert app("./*.py") == "/*.py"
    for glob in ("src/**", "*.py", "/src/x.py", "apple/**", "/home/a/application/**", "\\!x", "**/app/x.py"):
        assert app(glob) == glob
    assert glob_inside(".", "/", "/src/**") == "/src/**"


def test_a_path_names_a_target_as_its_hits_do(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=tmp_path)
    (tmp_path / "app" / "core").mkdir(parents=True)
    root = str(tmp_path / "app")
    [app, core] = folders([root, f"{root}/core"], settings).values()
    assert app.names(f"{root}/core/x.py") < core.names(f"{root}//core/x.py")
    assert app.names(f"{root}/x.py") > core.names(f"{root}/x.py") == 0
    for path in ("x.py", "app/x.py", f"{root}x/x.py", f"{root}/../x.py"):
        assert app.names(path) == 0
