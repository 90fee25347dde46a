"""``make demo PATH=…``: the variable that is also every tool's search path."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRINT = """
include Makefile
print:
	@printf '%s\\n' "$$PATH" "$$SEARCHED" "$$QUESTION"
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


@pytest.fixture
def printer(tmp_path: Path) -> Path:
    file = tmp_path / "print.mk"
    file.write_text(PRINT)
    return file


def seen(printer: Path, *variables: str) -> list[str]:
    """What a recipe sees of PATH, the folder to search and the question."""
    command = [str(shutil.which("make")), "--no-print-directory", "-f", str(printer), "print", *variables]
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "Q"}}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("folder", ["/some/repo", "../relative", ".", "/with blank/it's $HOME #1", "~/src"])
def test_path_names_a_folder_and_tools_are_still_found(printer: Path, folder: str) -> None:
    assert seen(printer, f"PATH={folder}")[:2] == [os.environ["PATH"], folder]


def test_by_default_it_searches_this_project(printer: Path) -> None:
    path, folder, question = seen(printer)
    assert (path, folder) == (os.environ["PATH"], "src")
    assert question


@pytest.mark.parametrize("question", ["where is it?", 'it\'s "quoted"', "$x $(y) $$ `z` \\n", "a # b"])
def test_a_question_arrives_as_it_was_typed(printer: Path, question: str) -> None:
    assert seen(printer, f"Q={question}")[2] == question
