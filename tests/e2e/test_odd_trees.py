"""Trees that no one wrote by hand: everything is searched or left out for a named reason, and nothing breaks."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import Machine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names, links and pipes of POSIX")

DEEP = 20_000


def fill(tree: Path) -> None:
    for name, content in {
        "fine.py": b"def fine_function():\n    return 1\n",
        "five_megabytes.py": b"x = '" + b"a" * 5_000_000 + b"'\n",
        "half_a_megabyte.json": b"[" + b'{"id": 1, "name": "an item"},' * 17_000 + b"{}]",
        "latin.py": "def café_latin():\n    return 'é'\n".encode("latin-1"),
        "sixteen.py": "def sixteen_bits():\n    return 'ü'\n".encode("utf-16"),
        "broken.py": b"def broken_bytes():\n    return '\xff\xfe\xfa'\n",
        "nul.py": b"def nul():\n    return '\0'\n",
        "empty.py": b"",
        "new\nline.py": b"def newline_name(): pass\n",
        "bad\udcff.py": b"def bad_name(): pass\n",
        "back\\slash.py": b"def backslash_name(): pass\n",
        "-dash.py": b"def dash_name(): pass\n",
        "deep.js": b"function f(){\n" * DEEP + b"}\n" * DEEP,
        "deep.py": b"(\n" * DEEP + b")\n" * DEEP,
        "deep.json": b"[\n" * DEEP + b"]\n" * DEEP,
        "deep.c": b"{\n" * DEEP + b"}\n" * DEEP,
        ".gitignore": b"[\n\\\n!!\n[z-a]\n\xff\n",
    }.items():
        (tree / name).write_bytes(content)
    with (tree / "gigabyte.py").open("wb") as sparse:
        sparse.truncate(1 << 30)
    os.mkfifo(tree / "pipe.py")
    for name, target in {"up": "..", "self": "self", "outside.py": "/etc/passwd", "inside.py": "fine.py"}.items():
        (tree / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tree)  # the name of a socket has at most 100 bytes
        try:
            listener.bind("socket.py")
        finally:
            os.chdir(here)


def test_everything_is_searched_or_named(machine: Machine) -> None:
    fill(machine.repo)
    found = machine.run("search", "fine function", "--mode", "lexical")
    assert found.code == 0
    assert "fine.py" in found.out.splitlines()[0]
    status = json.loads(machine.run("status", "--skips", "--format", "json").out)
    assert status["changed_since"] == 0
    assert {skip["path"]: skip["reason"] for skip in status["skips"]} == {
        "five_megabytes.py": "too large",
        "gigabyte.py": "too large",
        "half_a_megabyte.json": "minified",
        "nul.py": "binary",
        "empty.py": "empty",
        "new\\nline.py": "unreadable",
        "bad\\xff.py": "unreadable",
        "outside.py": "outside root",
        "up": "outside root",
    }
    names = ["café_latin", "sixteen_bits", "broken_bytes", "backslash_name", "dash_name"]
    hits = json.loads(machine.run("search", " ".join(names), "--no-sync", "--format", "json").out)["results"]
    assert all(any(name in hit["content"] for hit in hits) for name in names)


def test_an_empty_folder_has_nothing_to_find(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "an empty folder").mkdir()
    done = machine.run("search", "anything", tmp_path / "an empty folder")
    assert (done.code, done.out) == (0, "")
    assert "nothing to search here" in done.err
    assert f"`coderank status --skips '{tmp_path / 'an empty folder'}'`" in done.err


@pytest.mark.parametrize("name", ["with blank\nünï", "bad\udcffdir"])
def test_a_root_may_have_any_name(machine: Machine, tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    (machine.repo / "src").rename(root)
    (tmp_path / "link").symlink_to(root)
    done = machine.run("search", "overwrite the oldest item", root)
    assert (done.code, done.err) == (0, "")
    assert "RingBuffer" in done.out
    assert machine.run("search", "overwrite the oldest item", "../link").out.startswith("../link/ring.py:")
    assert len(list((tmp_path / "data" / "indexes").iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_named(machine: Machine) -> None:
    (machine.repo / "src" / "login.py").chmod(0)
    (machine.repo / "docs").chmod(0)
    status = machine.run("index")
    assert "2 left out" in status.out
    assert "Permission denied" in machine.run("search", "x", "docs/guide.md").failure()
    (machine.repo / "docs").chmod(0o755)
