"""Indexes with static vectors through the engine: real parts, a random table."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.static_table import random_table, write_table

from coderank import Engine
from coderank.errors import ConfigurationError, ModelNotFoundError
from coderank.loading.embedder import STATIC_FILE
from coderank.moving.index import IndexMove
from coderank.settings import Settings
from coderank.store.fingerprint import FORMAT
from coderank.types import Tier

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


@pytest.fixture
def standing_in(settings: Settings) -> Settings:
    """Settings under which the table stands in for the bundled model."""
    return replace(settings, static_model="table")


def write_many(root: Path, count: int = 24) -> None:
    for number in range(count):
        (root / f"part_{number}.py").write_text(f"def part_{number}():\n    return step_{number}(option={number})\n")


def test_an_index_is_searched_by_meaning_once_it_is_read(
    root: Path, standing_in: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("the model is loaded")

    with monkeypatch.context() as before, Engine.open(root, settings=standing_in) as engine:
        before.setattr("coderank.embedding.onnx.Session.__init__", load)
        assert engine.sync().dense_coverage == 0
        engine.anticipate("cookies of a request")
        found = engine.search("cookies of a request")
        assert (found[0].path, found.index.tier, found.stages[1].detail) == (
            "cookies.py",
            Tier.STATIC,
            "static + lexical",
        )
        assert engine.search("cookies", mode="dense").stages[1].detail == "static"
        assert engine.search("cookies", mode="lexical").index.tier is Tier.NONE
        assert len(engine.related("cookies.py", 1)) == 3
        assert engine.related("cookies.py", 1).index.tier is Tier.STATIC
    with Engine.open(root, settings=standing_in) as engine:
        engine.fill()
        found = engine.search("cookies of a request")
        assert (found.index.tier, found.stages[1].detail) == (Tier.DENSE, "dense + lexical")


def test_a_change_is_found_by_meaning_before_the_model_has_seen_it(root: Path, standing_in: Settings) -> None:
    write_many(root)
    with Engine.open(root, settings=standing_in) as engine:
        engine.index()
        (root / "cookies.py").write_text("def jar(request):\n    return request.jar.merged(other)\n")
        engine.sync()
        found = engine.search("jar merged with another of the request", mode="dense")
        assert (found.index.tier, found.stages[1].detail) == (Tier.BOTH, "dense + static")
        assert "cookies.py" in [hit.path for hit in found][:3]
        assert engine.search("jar").stages[1].detail == "dense + static + lexical"
        engine.fill()
        assert engine.search("jar").index.tier is Tier.DENSE


def test_an_index_of_before_goes_on_and_gets_static_vectors_for_what_changes(
    root: Path, settings: Settings, standing_in: Settings
) -> None:
    write_many(root)
    without = replace(settings, static_model="none")
    with Engine.open(root, settings=without) as engine:
        engine.index()
        record = engine.index_dir / "index.json"
    record.write_text(record.read_text("utf-8").replace(f'"format": {FORMAT}', '"format": 1'), "utf-8")
    with Engine.open(root, settings=standing_in) as engine:
        assert engine.search("cookies of a request").index.tier is Tier.DENSE
        assert '"format": 1' in record.read_text("utf-8")
        (root / "cookies.py").write_text("def jar(request):\n    return request.jar.merged(other)\n")
        report = engine.sync()
        assert (report.chunks, report.changed_files, report.reused_vectors) == (28, 1, 0)
        assert f'"format": {FORMAT}' in record.read_text("utf-8")
        assert engine.search("jar").index.tier is Tier.BOTH
    with Engine.open(root, settings=without) as engine:
        found = engine.search("cookies of a request")
        assert (found.index.tier, found.index.dense_coverage) == (Tier.DENSE, 27 / 28)
        engine.fill()
        assert engine.search("jar").index.dense_coverage == 1.0


def test_what_an_index_of_before_lacks_is_made_up_for_by_the_next_fill(
    root: Path, settings: Settings, standing_in: Settings
) -> None:
    with Engine.open(root, settings=replace(settings, static_model="none")) as engine:
        engine.sync()
        found = engine.search("cookies of a request")
        assert (found.index.tier, found.stages[1].detail) == (Tier.NONE, "lexical")
    with Engine.open(root, settings=standing_in) as engine:
        assert engine.search("cookies of a request").index.tier is Tier.NONE
        assert engine.fill(deadline=time.monotonic() + 60) == 4
        (root / "cookies.py").write_text("def jar(request):\n    return request.jar\n")
        engine.sync()
        assert engine.search("jar").index.tier is Tier.BOTH


def test_the_setting_names_a_table(root: Path, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="'all-minilm-l6-v2', which is no table"):
        Engine.open(root, settings=replace(settings, static_model="all-minilm-l6-v2"))
    with pytest.raises(ModelNotFoundError, match="'tabel'"):
        Engine.open(root, settings=replace(settings, static_model="tabel"))


def test_an_index_of_a_table_needs_no_stand_in(root: Path, standing_in: Settings) -> None:
    with Engine.open(root, model="table", settings=standing_in) as engine:
        engine.sync()
        assert engine.search("cookies").index.tier is Tier.DENSE


def test_a_migrated_index_goes_on_with_static_vectors_for_what_changes(root: Path, standing_in: Settings) -> None:
    write_many(root)
    with Engine.open(root, settings=standing_in) as engine:
        engine.index()
        with IndexMove(engine, "table") as move:
            move.run()
            move.drop()
        assert engine.search("cookies").index.model == "table"
        with IndexMove(engine, "all-minilm-l6-v2") as move:
            move.run()
        assert (engine.search("cookies").index.tier, engine.model) == (Tier.DENSE, "all-minilm-l6-v2")
        (root / "cookies.py").write_text("def jar(request):\n    return request.jar\n")
        engine.sync()
        assert engine.search("jar").index.tier is Tier.BOTH
