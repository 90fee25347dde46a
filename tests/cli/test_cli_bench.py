"""``coderank bench`` on a tree of two files, with one run of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from coderank.cli import benching
from coderank.cli.benching import Plan, bench
from coderank.errors import UsageError
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
    assert (found.files, found.model) == (2, "all-minilm-l6-v2")
    assert [one.what.split(",")[0] for one in found.processes] == ["index", "index", "index", "search", "--version"]
    assert all(one.seconds[0] > 0 and one.peak_mib > 5 for one in found.processes)
    assert found.stages.keys() == {"embed", "retrieve", "rank", "total"}
    assert [one.chunks for one in found.grown] == [40]
    assert found.compressed[0].recall == 1.0
    assert found.disk_bytes > 0
    assert {file.name: file.read_text() for file in plan.source.iterdir()} == FILES
    assert not (plan.settings.data_dir / "indexes").exists()


def test_a_tree_without_a_file_is_refused(plan: Plan) -> None:
    for file in list(plan.source.iterdir()):
        file.unlink()
    with pytest.raises(UsageError, match="nothing to index"):
        bench(plan)
