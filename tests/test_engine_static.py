"""Indexes with static vectors through the engine: real parts, a random table."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.static_table import random_table, write_table

from coderank import Engine
from coderank.loading.embedder import STATIC_FILE
from coderank.settings import Settings

DIMENSION = 32
ENTRY = f"""
[models.table]
folder = "FOLDER"
revision = "1"
dimension = {DIMENSION}
pooling = "mean"
max_tokens = 512
backends = ["static"]
"""


@pytest.fixture(scope="module")
def models_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_table(folder / STATIC_FILE, random_table(DIMENSION))
    file = folder / "models.toml"
    file.write_text(ENTRY.replace("FOLDER", folder.as_posix()), "utf-8")
    return file


@pytest.fixture
def settings(tmp_path: Path, models_file: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", models_file=models_file)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    root.mkdir()
    for number, name in enumerate(("session", "cookies", "adapter", "redirect")):
        (root / f"{name}.py").write_text(f"def {name}_of(request):\n    return request.{name} + {number}\n")
    return root


def test_an_index_of_a_static_model_is_complete_when_everything_was_read(root: Path, settings: Settings) -> None:
    with Engine.open(root, model="table", settings=settings) as engine:
        report = engine.sync()
        assert (report.chunks, report.embedded_chunks, report.dense_coverage) == (4, 4, 1.0)
        found = engine.search("cookies of a request")
        assert (found[0].path, found.stages[1].detail) == ("cookies.py", "dense + lexical")
        assert engine.fill() == 0
        assert engine.search("cookies", mode="dense").stages[1].detail == "dense"
        (root / "cookies.py").write_text("def jar_of(request):\n    return request.jar\n")
        report = engine.sync()
        assert (report.embedded_chunks, report.dense_coverage) == (1, 1.0)
        assert engine.index().filled


def test_the_cache_of_vectors_is_left_alone(root: Path, settings: Settings) -> None:
    with Engine.open(root, model="table", settings=settings) as engine:
        engine.index()
    assert not list(settings.cache_dir.glob("vectors-*"))
