from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from coderank.corpus import grammars

if TYPE_CHECKING:
    from pathlib import Path

PARSE = """
import os, sys, pathlib
from coderank.corpus import grammars
{before}
tree = grammars.parse("python", b"x = 1")
print(tree is not None and tree.root_node.type)
print(os.environ.get("SEMBLE_GRAMMARS_CACHE_DIR", ""))
sys.stdout.flush()
os._exit(0)
"""


def run(home: Path, before: str = "") -> list[str]:
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home.parent)}
    command = [sys.executable, "-c", PARSE.format(before=before)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


def test_parses_from_many_threads() -> None:
    sources = [f"def f{number}(): pass".encode() for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(lambda source: grammars.parse("python", source), sources))
    assert all(tree is not None and not tree.root_node.has_error for tree in trees)


def test_text_that_is_no_code_is_given_up_and_the_next_is_not() -> None:
    assert grammars.parse("go", b"+ * / - , ; :\n" * 6000) is None
    tree = grammars.parse("go", b"package a\n")
    assert tree is not None
    assert not tree.root_node.has_error


def test_cache_folder_that_cannot_be_used_is_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").write_text("a file where a folder should be")
    assert run(home) == ["module", ""]
    assert list(tmp_path.glob("coderank-grammars-*")) == []


def test_grammars_are_unpacked_where_told(tmp_path: Path) -> None:
    folder = tmp_path / "grammars"
    kind, used = run(tmp_path / "home", f"grammars.use_cache(pathlib.Path({str(folder)!r}))")
    assert (kind, used) == ("module", str(folder))
    assert any(folder.rglob("*"))
