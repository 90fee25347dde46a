"""How a build comes by the weights of ``models/``: put in, linked to, or named as a dependency."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAMED = ["coderank-models==1.2.3"]
PUT_IN = {"models/src/coderank_models": "coderank_models"}


def built(root: Path, target: str, version: str = "standard") -> tuple[dict[str, str], list[str]]:
    """What the hook adds to a build: files, and dependencies."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.Weights(str(root), {"models": "1.2.3"}, SimpleNamespace(), SimpleNamespace(), "", target)
    data: dict[str, Any] = {"force_include": {}, "dependencies": []}
    hook.initialize(version, data)
    return data["force_include"], data["dependencies"]


@pytest.fixture(autouse=True)
def no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODERANK_RELEASE", raising=False)


def test_a_wheel_of_this_repository_holds_the_weights() -> None:
    assert built(ROOT, "wheel") == (PUT_IN, [])


def test_a_released_wheel_names_their_distribution_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODERANK_RELEASE", "1")
    assert built(ROOT, "wheel") == ({}, NAMED)


def test_so_do_a_source_distribution_and_a_wheel_that_is_built_from_one(tmp_path: Path) -> None:
    assert built(ROOT, "sdist") == built(tmp_path, "wheel") == ({}, NAMED)


def test_a_link_to_this_folder_needs_neither() -> None:
    assert built(ROOT, "wheel", "editable") == ({}, [])


def test_the_version_that_is_named_is_the_one_of_the_folder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    build = project["tool"]["hatch"]["build"]
    package = (ROOT / "models/src/coderank_models/__init__.py").read_text("utf-8")
    assert f'__version__ = "{build["hooks"]["custom"]["models"]}"' in package
    assert build["targets"]["wheel"]["dev-mode-dirs"] == ["src", "models/src"]
    assert not any(pattern.startswith("/models") for pattern in build["targets"]["sdist"]["include"])
