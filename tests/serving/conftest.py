"""A small repository, where its index goes, and patience enough for a busy machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_tree import write_tree

from coderank.serving import asking
from coderank.serving.workspace import Workspace
from coderank.settings import Settings


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 60.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "repo")


@pytest.fixture
def workspace(repo: Path, settings: Settings) -> Iterator[Workspace]:
    opened = Workspace.open([str(repo)], settings)
    yield opened
    opened.close()
