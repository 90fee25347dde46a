"""Requests that make no sense are refused in one line, with exit code 2, before any work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import QUESTION, Machine

REFUSED = {
    "no such path": (["search", "x", "nowhere"], "No such file or directory: 'nowhere'"),
    "one of several": (["search", "x", ".", "nowhere"], "No such file or directory: 'nowhere'"),
    "too long a path": (["search", "x", "a" * 5000], "File name too long"),
    "empty path": (["search", "x", ""], "The path is empty"),
    "home of nobody": (["search", "x", "~nobody-at-all/x"], "No such file or directory: '~nobody-at-all/x'"),
    "device": (["search", "x", os.devnull], "neither a file nor a folder"),
    "empty query": (["search", " "], "The query is empty"),
    "100 kB query": (["search", "word " * 20_000], "The query has 100000 characters"),
    "no hits wanted": (["search", "x", "-k", "0"], "'-k' / '--limit'"),
    "fewer than none": (["search", "x", "-k", "-1"], "'-k' / '--limit'"),
    "unknown language": (["search", "x", "--lang", "klingon"], "There is no language 'klingon'"),
    "unknown model": (["index", "--model", "nonsense"], "'nonsense'"),
    "no line": (["related", "src/ring.py:0"], "line 0"),
    "line after the last": (["related", "src/ring.py:900"], "no line 900"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="devices and the messages of POSIX")
@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(indexed: Machine, arguments: list[str], message: str) -> None:
    indexes = indexed.base / "data" / "indexes"
    before = set(indexes.iterdir())
    refused = indexed.run(*arguments)
    assert refused.code == 2
    assert message in refused.failure()
    assert set(indexes.iterdir()) == before


def test_filters_that_match_nothing_find_nothing(indexed: Machine) -> None:
    done = indexed.run("search", QUESTION, "--path", "nowhere/**")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("no hits in 3 chunks")


def test_a_loop_of_links_is_no_path(indexed: Machine, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert indexed.run("search", "x", tmp_path / "loop").code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be deleted there")
def test_the_current_folder_may_be_gone(indexed: Machine, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    for line, code in (
        (f"coderank search '{QUESTION}' {indexed.repo}", 0),
        ("coderank search x", 2),
        (f"coderank related {indexed.repo}/src/ring.py:2", 2),
    ):
        gone.mkdir(exist_ok=True)
        done = indexed.shell(f"rmdir {gone}; {line}", cwd=gone)
        assert done.code == code
        assert "unexpected" not in done.err
