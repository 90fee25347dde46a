"""Pipes that close, streams that are missing, disks that are full, locales without umlauts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import QUESTION, Machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")

SEARCH = f"coderank search '{QUESTION}'"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{SEARCH} | head -c 1", 0),
        (f"{SEARCH} >&-", 0),
        (f"{SEARCH} <&- >&- 2>&-", 0),
        ("coderank search x nowhere 2>&-", 2),
    ],
)
def test_nothing_is_said_about_a_stream_that_is_closed(indexed: Machine, line: str, code: int) -> None:
    done = indexed.shell(line)
    assert (done.code, done.err) == (code, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("line", [SEARCH, "coderank --help"])
def test_an_answer_that_cannot_be_written_is_a_failure(indexed: Machine, line: str) -> None:
    done = indexed.shell(f"{line} >/dev/full")
    assert "cannot write the answer" in done.failure()


def test_a_locale_without_umlauts_loses_nothing_else(machine: Machine) -> None:
    (machine.repo / "grüße.py").write_text("def grüße_everyone():\n    return '日本語'\n", "utf-8")
    done = machine.run("search", "grüße", LC_ALL="C")
    assert done.code == 0
    assert "def grüße_everyone" in done.out
    strict = machine.run("search", QUESTION, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "RingBuffer" in strict.out


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs limits of Linux")
def test_a_limit_on_file_sizes_is_no_damage(machine: Machine) -> None:
    done = machine.shell(f"ulimit -f 1000; {SEARCH}")
    assert "File too large" in done.failure()
    assert "--rebuild" not in done.err
    assert machine.run("index").code == 0
