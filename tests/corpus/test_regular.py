"""What lies elsewhere than its name says is not read in the short way, and devices and pipes are not even opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from coderank.corpus.regular import read_regular, read_straight

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where an open file lies")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    real = tmp_path.resolve()
    (real / "src").mkdir()
    (real / "src" / "a.py").write_bytes(b"a = 1\n")
    return real


@pytest.mark.parametrize("limit", [1, 5, 6, 7, 100])
def test_a_file_is_read_up_to_the_limit(root: Path, limit: int) -> None:
    assert read_straight(f"{root}/src/a.py", limit) == b"a = 1\n"[:limit] == read_regular(root / "src/a.py", limit)


def test_an_empty_file_is_nothing(root: Path) -> None:
    (root / "empty").touch()
    assert read_straight(f"{root}/empty", 10) == b""


@pytest.mark.parametrize("detour", ["./src/a.py", "src/../src/a.py", "src//a.py", "src/a.py/", "gone.py", "src", "\0"])
def test_what_is_not_spelt_as_it_lies_is_left_to_others(root: Path, detour: str) -> None:
    assert read_straight(f"{root}/{detour}", 10) is None


def test_links_on_the_way_and_at_its_end_are_left_to_others(root: Path) -> None:
    (root / "folder").symlink_to("src")
    (root / "file.py").symlink_to("src/a.py")
    assert [read_straight(f"{root}/{path}", 10) for path in ("folder/a.py", "file.py")] == [None, None]


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert read_straight(f"{root}/pipe", 10) is None
    assert read_straight("/dev/null", 10) is None
