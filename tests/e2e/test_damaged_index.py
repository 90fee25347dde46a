"""An index that cannot be used says so in one line, and the command in that line repairs it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.conftest import QUESTION, Machine

from coderank.loading.choice import bundled_model

Damage = Callable[[Path], object]


def truncate(pattern: str) -> Damage:
    def damage(index: Path) -> None:
        files = list(index.glob(pattern))
        assert files
        for file in files:
            os.truncate(file, 0)

    return damage


def overwrite(pattern: str, content: bytes) -> Damage:
    def damage(index: Path) -> None:
        [file] = index.glob(pattern)
        file.write_bytes(content)

    return damage


def remove(*patterns: str) -> Damage:
    def damage(index: Path) -> None:
        for path in [path for pattern in patterns for path in index.glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def record(old: str, new: str) -> Damage:
    def damage(index: Path) -> None:
        file = index / "index.json"
        text = file.read_text("utf-8")
        assert re.search(old, text)
        file.write_text(re.sub(old, new, text), "utf-8")

    return damage


REPAIRED_BY_REBUILDING: dict[str, tuple[Damage, str]] = {
    "garbage manifest": (overwrite("manifest.db", b"garbage " * 1000), "cannot be read"),
    "garbage record": (overwrite("index.json", b"\xff\0garbage"), "not the record"),
    "another format": (record('"format": 2', '"format": 99'), "format is 99"),
    "unknown model": (record(bundled_model(), "gone-model"), "'gone-model'"),
    "no segments": (remove("shard/segments"), "not a whole index"),
    "lost points": (truncate("shard/segments/*/mutable_id_tracker.mappings"), "lost chunks"),
    "moved tree": (record('"root": ".*"', '"root": "/gone/elsewhere"'), "holds the index of /gone/elsewhere"),
    "panic of the engine": (truncate("shard/segments/*/payload_index/*/has_values/status.dat"), "failed"),
}


@pytest.mark.parametrize(("damage", "message"), REPAIRED_BY_REBUILDING.values(), ids=REPAIRED_BY_REBUILDING)
def test_the_remedy_repairs_it(indexed: Machine, damage: Damage, message: str) -> None:
    damage(indexed.index)
    failed = indexed.run("search", QUESTION)
    assert failed.code == 1
    assert message in failed.failure()
    repaired = indexed.run(*failed.remedy())
    assert (repaired.code, repaired.err) == (0, "")
    assert "(0 embedded, 3 reused)" in repaired.out
    assert indexed.answers()


HARMLESS: dict[str, Damage] = {
    "no manifest": remove("manifest.db"),
    "no record": remove("index.json"),
    "no points": remove("shard"),
    "nothing but the record": remove("manifest.db", "shard", "*.lock"),
}


@pytest.mark.parametrize("damage", HARMLESS.values(), ids=HARMLESS)
def test_what_can_be_made_up_for_is(indexed: Machine, damage: Damage) -> None:
    damage(indexed.index)
    assert indexed.answers()


def test_a_foreign_folder_is_neither_used_nor_emptied(indexed: Machine, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    letter = tmp_path / "mine" / "index.json"
    letter.write_text('{"dear": "you"}', "utf-8")
    for arguments in (["search", QUESTION], ["index", "--rebuild"]):
        assert "Choose another folder" in indexed.run(*arguments, "--index-dir", letter.parent).failure()
    assert [file.name for file in letter.parent.iterdir()] == ["index.json"]
    assert letter.read_text("utf-8") == '{"dear": "you"}'


def test_the_index_of_another_root_is_neither_used_nor_emptied(indexed: Machine) -> None:
    for arguments in (["search", QUESTION], ["index", "--rebuild"]):
        failed = indexed.run(*arguments, indexed.repo / "docs", "--index-dir", indexed.index)
        assert f"holds the index of {indexed.repo}" in failed.failure()
    assert indexed.answers()


def test_the_index_of_a_root_that_is_away_is_not_taken_over(machine: Machine, tmp_path: Path) -> None:
    there, away, other, index = (tmp_path / name for name in ("repo", "away", "other", "ix"))
    (other / "docs").mkdir(parents=True)
    (other / "docs" / "b.md").write_text("# Another tree\n", "utf-8")
    assert machine.run("index", there, "--index-dir", index).code == 0
    there.rename(away)
    held = {file: file.stat().st_mtime_ns for file in index.rglob("*") if file.is_file()}
    for arguments in (["search", "b"], ["search", "b", "--no-sync"], ["index"], ["status"]):
        failed = machine.run(*arguments, other, "--index-dir", index, cwd=tmp_path)
        assert f"holds the index of {there}" in failed.failure()
        assert failed.remedy() == ["index", "--rebuild", str(other), "--index-dir", str(index)]
    assert {file: file.stat().st_mtime_ns for file in index.rglob("*") if file.is_file()} == held
    away.rename(there)
    assert "RingBuffer" in machine.run("search", QUESTION, there, "--index-dir", index, "--no-sync").out

    there.rename(away)
    assert machine.run("index", "--rebuild", away, "--index-dir", index, cwd=tmp_path).code == 0
    assert f'"root": "{away}"' in (index / "index.json").read_text("utf-8")
    place = f"{away / 'src' / 'ring.py'}:1"
    assert machine.run("related", place, "--index-dir", index, cwd=tmp_path).code == 0


LOST: dict[str, tuple[Damage, str]] = {
    "no points": (remove("shard"), "lost chunks"),
    "no segments": (remove("shard/segments/*"), "not a whole index"),
}


@pytest.mark.parametrize(("damage", "message"), LOST.values(), ids=LOST)
def test_what_is_lost_is_told_and_not_written_over(indexed: Machine, damage: Damage, message: str) -> None:
    damage(indexed.index)
    held = set(indexed.index.rglob("*"))
    for arguments in (["status"], ["search", QUESTION, "--no-sync"], ["status"]):
        failed = indexed.run(*arguments)
        assert message in failed.failure()
        assert failed.remedy()[:2] == ["index", "--rebuild"]
    assert set(indexed.index.rglob("*")) == held


def test_a_destroyed_store_is_no_unchanged_tree(indexed: Machine) -> None:
    remove("shard/segments/*")(indexed.index)
    failed = indexed.run("index")
    assert "not a whole index" in failed.failure()
    assert indexed.run(*failed.remedy()).code == 0
    assert indexed.answers()


def test_an_index_within_the_tree_is_no_part_of_it(machine: Machine) -> None:
    folders = {f"CODERANK_{name}_DIR": str(machine.repo / name.lower()) for name in ("DATA", "CACHE")}
    within = replace(machine, extra=folders)
    for arguments in (("--index-dir", str(machine.repo / ".idx")), ()):
        for _ in range(3):
            assert " 3 files " in within.run("index", *arguments).out
        assert "files       3  (up to date)" in within.run("status", *arguments).out
        shutil.rmtree(machine.repo / ".idx", ignore_errors=True)


def test_grammars_leave_nothing_behind(machine: Machine, tmp_path: Path) -> None:
    for name in ("scratch", "cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "cache" / "grammars").write_text("a file where a folder should be", "utf-8")
    assert "RingBuffer" in machine.run("search", QUESTION, TMPDIR=str(tmp_path / "scratch")).out
    assert list((tmp_path / "scratch").glob("coderank-*")) == []


def test_an_index_is_not_given_up_for_a_model_that_cannot_run(indexed: Machine) -> None:
    indexed.run("index", "--rebuild", "--model", "coderank-embed", HF_HUB_OFFLINE="1").failure()
    assert indexed.answers()


def test_a_model_that_cannot_run_leaves_no_index_behind(machine: Machine) -> None:
    machine.run("search", QUESTION, "--model", "coderank-embed", HF_HUB_OFFLINE="1").failure()
    assert "reranker" in machine.run("index", "--model", "coderank-llm").failure()
    assert machine.run("index").code == 0
