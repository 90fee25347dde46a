"""``coderank bench`` on a tree of two files, with one run of each kind."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coderank.cli import benching
from coderank.cli.benching import Plan, bench
from coderank.errors import MeasurementError, UsageError
from coderank.evaluation.rivals import installed
from coderank.loading.choice import bundled_model
from coderank.settings import Settings

FILES = {
    "ring.py": "class RingBuffer:\n    def push(self, item):\n        self.items[self.head] = item\n",
    "login.py": "def check_password(user, password):\n    return user.hash == digest(password)\n",
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(benching, "RUNS", 1)
    source = tmp_path / "source"
    source.mkdir()
    for name, text in FILES.items():
        (source / name).write_text(text)
    (tmp_path / "scratch").mkdir()
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", background=False)
    return Plan(source, tmp_path / "scratch", "auto", [40], 4, settings=settings)


def test_everything_is_measured_on_a_copy(plan: Plan) -> None:
    found = bench(plan)
    assert (found.files, found.model) == (2, bundled_model())
    assert [one.what.split(",")[0] for one in found.processes] == ["index", "index", "index", "search", "--version"]
    assert all(one.seconds[0] > 0 and one.peak_mib > 5 for one in found.processes)
    assert found.stages.keys() == {"embed", "retrieve", "rank", "total"}
    assert [(one.chunks, set(one.stages)) for one in found.grown] == [(40, {"embed", "retrieve", "rank"})]
    assert (found.compressed_chunks, found.compressed[0].recall) == (40, 1.0)
    assert found.grown[0].built_s > found.grown[0].compacted_s > 0
    assert found.disk_bytes > 0
    assert {file.name: file.read_text() for file in plan.source.iterdir()} == FILES
    assert not (plan.settings.data_dir / "indexes").exists()


def test_a_tree_without_a_file_is_refused(plan: Plan) -> None:
    for file in list(plan.source.iterdir()):
        file.unlink()
    with pytest.raises(UsageError, match="nothing to index"):
        bench(plan)


def test_a_store_that_the_disk_has_no_room_for_is_refused_at_once(plan: Plan) -> None:
    with pytest.raises(MeasurementError, match=r"100,000,000,000 chunks takes 953,674\.3 GiB") as raised:
        bench(replace(plan, sizes=[40, 100_000_000_000]))
    assert "TMPDIR=DIR" in raised.value.remedy
    assert not list(plan.scratch.iterdir())


def test_an_interpreter_without_a_rival_is_refused_before_anything_is_measured(plan: Plan, tmp_path: Path) -> None:
    bare = replace(plan, rival=tmp_path / "python")
    bare.rival.write_text("#!/bin/sh\nexit 1\n")  # type: ignore[union-attr] # given above
    bare.rival.chmod(0o700)  # type: ignore[union-attr]
    with pytest.raises(MeasurementError, match="neither semble nor sentence-transformers"):
        bench(bare)
    with pytest.raises(MeasurementError, match="Cannot run"):
        bench(replace(plan, rival=tmp_path / "none"))
    assert not list(plan.scratch.iterdir())


def test_a_package_is_found_in_its_interpreter() -> None:
    assert installed(Path(sys.executable), "pytest") == pytest.__version__
    assert installed(Path(sys.executable), "no-such-package") == ""
