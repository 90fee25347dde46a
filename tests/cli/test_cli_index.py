"""``coderank index``, ``status`` and ``doctor``: the real command on a real repository."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from coderank import Engine
from coderank.cli.background import command
from coderank.cli.index import summary
from coderank.cli.status import lines
from coderank.types import IndexReport, Skip, SkipReason, Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import World


class TestIndex:
    def test_says_what_it_did(self, world: World) -> None:
        first = world.run("index")
        assert first.returncode == 0
        assert re.match(
            r"\.: 4 files \(4 changed, 0 deleted\), \d+ chunks \(\d+ embedded, 0 reused\); 1 left out; ", first.stdout
        )
        assert first.stderr == ""
        second = world.run("index")
        assert "(0 changed, 0 deleted)" in second.stdout
        assert "(0 embedded, 0 reused)" in second.stdout

    def test_quiet(self, world: World) -> None:
        done = world.run("index", "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_rebuild(self, world: World) -> None:
        world.run("index")
        assert "4 files (4 changed" in world.run("index", "--rebuild").stdout

    def test_several_paths(self, world: World) -> None:
        done = world.run("index", "src", "docs")
        assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["src", "docs"]

    def test_background_runs_to_the_end(self, world: World) -> None:
        assert world.run("index", "--background", "--quiet").returncode == 0
        assert json.loads(world.run("status", "--format", "json").stdout)["dense_coverage"] == 1.0

    def test_the_background_command_cannot_be_shadowed_by_the_folder_it_runs_in(
        self, world: World, tmp_path: Path
    ) -> None:
        (world.repo / "coderank.py").write_text("raise SystemExit(99)")
        engine = Engine.open(world.repo, index_dir=tmp_path / "index")
        done = subprocess.run(command(engine), cwd=world.repo, env=world.environment, check=False)
        assert done.returncode == 0

    def test_a_read_only_place_is_named_with_a_remedy(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        done = world.run("index", CODERANK_DATA_DIR=str(tmp_path / "file"))
        assert done.returncode == 1
        assert done.stderr.startswith("coderank: ")
        assert done.stderr.count("\n") == 1
        assert "unexpected" not in done.stderr


class TestStatus:
    def test_tells_what_is_indexed_and_what_is_not(self, world: World) -> None:
        world.run("index")
        (world.repo / "new.py").write_text("x = 1\n")
        shown = dict(line.split(maxsplit=1) for line in world.run("status").stdout.splitlines())
        assert shown["root"] == str(world.repo)
        assert shown["files"] == "4  (1 changed on disk since; the next search takes them in)"
        assert shown["chunks"].endswith("(100 % have vectors)")
        assert "python" in shown["languages"]
        assert shown["left"] == "out    binary 1"

    def test_lists_every_file_left_out(self, world: World) -> None:
        world.run("index")
        assert world.run("status", "--skips").stdout.splitlines()[-1] == "  data.bin  binary"
        document = json.loads(world.run("status", "--skips", "--format", "json").stdout)
        assert document["skipped"] == {"binary": 1}
        assert [skip["path"] for skip in document["skips"]] == ["data.bin"]

    def test_counts_reasons_and_escapes_names(self) -> None:
        skips = (
            Skip("a\nb", SkipReason.TOO_LARGE, "9 MB"),
            Skip("c", SkipReason.BINARY),
            Skip("d", SkipReason.BINARY),
        )
        found = Status("/r", "/i", "m", 0, 0, 1.0, (), skips, 5 * 1024**3, 0)
        shown = list(lines(found, list_skips=True))
        assert shown[1] == "index       /i  (5.0 GiB)"
        assert shown[3] == "files       0  (up to date)"
        assert shown[6:] == [
            "left out    binary 2, too large 1",
            "  a\\nb  too large  (9 MB)",
            "  c  binary",
            "  d  binary",
        ]


def test_summary_tells_what_has_no_vector_yet() -> None:
    report = IndexReport(1, 200, 1, 0, 100, 0, 0.5, 1.23)
    assert summary("x\ny", report) == (
        "x\\ny: 1 files (1 changed, 0 deleted), 200 chunks (100 embedded, 0 reused); 50 % have vectors;"
        " 0 left out; 1.2 s"
    )


class TestDoctor:
    def test_all_well(self, world: World) -> None:
        done = world.run("doctor")
        assert done.returncode == 0
        assert all(line.startswith("ok  ") for line in done.stdout.splitlines())
        assert "self-test" in done.stdout

    def test_json(self, world: World) -> None:
        checks = json.loads(world.run("doctor", "--format", "json").stdout)["checks"]
        assert {check["status"] for check in checks} == {"ok"}
        assert {"python", "machine", "data", "cache", "self-test"} <= {check["name"] for check in checks}

    def test_leaves_no_index_behind(self, world: World) -> None:
        world.run("doctor")
        assert world.run("status").returncode == 1

    @pytest.mark.parametrize("variable", ["CODERANK_DATA_DIR", "CODERANK_CACHE_DIR"])
    def test_a_folder_that_cannot_be_written(self, world: World, tmp_path: Path, variable: str) -> None:
        (tmp_path / "file").write_text("in the way")
        done = world.having(variable, str(tmp_path / "file")).run("doctor")
        assert done.returncode == 1
        assert f"Set {variable} to a folder you can write to" in done.stdout
