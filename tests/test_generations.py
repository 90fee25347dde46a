"""An index moves on to other points by one record, under processes and threads that have it open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.tiny_model import settings_with_tiny

from coderank import Engine
from coderank.errors import IndexCorruptError, IndexIncompatibleError
from coderank.indexing.claim import fingerprint_of
from coderank.loading.choice import bundled_model
from coderank.models.catalogue import get
from coderank.models.user import catalogue_of
from coderank.settings import Settings
from coderank.store import fingerprint

POINTS = ("shard", "manifest.db", "manifest.db-wal", "manifest.db-shm")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_with_tiny(tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    root.mkdir()
    (root / "cookies.py").write_text("def merge_cookies(jar, other):\n    jar.update(other)\n")
    return root


def put(source: Path, folder: Path, name: str) -> None:
    """Copy the points of an index that nobody has open into a generation."""
    for part in POINTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / name / part)
        elif (source / part).exists():
            (folder / name).mkdir(exist_ok=True)
            shutil.copy(source / part, folder / name / part)


def move_on(folder: Path, root: Path, settings: Settings, model: str, generation: str) -> None:
    fingerprint.write(folder, fingerprint_of(get(model, catalogue_of(settings))), root, generation)


def test_a_record_without_a_generation_is_that_of_the_folder_itself(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        record = json.loads((engine.index_dir / "index.json").read_bytes())
        assert "generation" not in record
        assert fingerprint.read(engine.index_dir).generation == ""


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp", "generation-0", "generation-2/..", "generation-2\n"])
def test_a_record_leads_nowhere_else(root: Path, settings: Settings, name: str) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        record = engine.index_dir / "index.json"
        record.write_text(json.dumps(json.loads(record.read_bytes()) | {"generation": name}))
        with pytest.raises(IndexCorruptError, match="not the record"):
            engine.search("cookies")


def test_an_open_engine_follows_its_index_to_another_model(root: Path, settings: Settings, tmp_path: Path) -> None:
    with Engine.open(root, model="tiny", index_dir=tmp_path / "other", settings=settings) as engine:
        engine.index()
    with Engine.open(root, settings=settings) as engine, Engine.open(root, settings=settings) as writer:
        engine.index()
        assert engine.search("merge cookies").index.model == bundled_model()
        put(tmp_path / "other", engine.index_dir, "generation-2")
        engine.anticipate("merge cookies")  # by the model that is left
        move_on(engine.index_dir, root, settings, "tiny", "generation-2")
        assert engine.search("merge cookies").index.model == engine.model == "tiny"
        assert engine.status().model == "tiny"
        (root / "jar.py").write_text("def open_jar(lid):\n    return lid.twist()\n")
        assert writer.index().changed_files == 1
        assert engine.search("open the jar")[0].path == "jar.py"
        move_on(engine.index_dir, root, settings, bundled_model(), "")
        assert "jar.py" not in {hit.path for hit in engine.search("open the jar")}
        assert engine.status().changed_since == 1
    with Engine.open(root, settings=settings) as engine:
        assert engine.model == bundled_model()
        assert engine.index(rebuild=True).files == 2


def test_an_engine_of_a_model_that_was_named_does_not_follow(root: Path, settings: Settings, tmp_path: Path) -> None:
    with Engine.open(root, model="all-minilm-l6-v2", settings=settings) as engine:
        engine.index()
        move_on(engine.index_dir, root, settings, "tiny", "generation-2")
        with pytest.raises(IndexIncompatibleError, match="model is 'tiny', expected 'all-minilm-l6-v2'"):
            engine.search("cookies")


def test_a_rebuild_stays_in_the_generation_in_use(root: Path, settings: Settings) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        engine.close()
        put(engine.index_dir, engine.index_dir, "generation-2")
        move_on(engine.index_dir, root, settings, bundled_model(), "generation-2")
    with Engine.open(root, model="tiny", settings=settings) as engine:
        engine.index(rebuild=True)
        assert fingerprint.read(engine.index_dir).generation == "generation-2"
        assert engine.search("cookies").index.model == "tiny"


def test_a_sync_writes_nothing_to_points_that_were_left(root: Path, settings: Settings) -> None:
    """The record changes after the look at the tree, before the lock: the last moment at which it can."""
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        engine.close()
        put(engine.index_dir, engine.index_dir, "generation-2")
        (root / "jar.py").write_text("def open_jar(lid):\n    return lid.twist()\n")
        moved: list[bool] = []

        def move_once(_: object) -> None:
            if not moved:
                move_on(engine.index_dir, root, settings, bundled_model(), "generation-2")
                moved.append(True)

        assert engine.index(on_progress=move_once).chunks == 2
        assert engine.search("open the jar")[0].path == "jar.py"
        move_on(engine.index_dir, root, settings, bundled_model(), "")
        assert engine.status().changed_since == 1
