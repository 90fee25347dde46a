"""docs/errors.md says what the command says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = re.findall(
    r"^\| (.+?) \| (\d+) \| `([^`]+)`",
    (Path(__file__).parents[1] / "docs" / "errors.md").read_text("utf-8").replace("`-k 0`, `-k 1001`", "-k 0"),
    re.MULTILINE,
)
ARGUMENTS = {
    "no such path": ("search", "x", "nowhere"),
    "an empty path": ("search", "x", ""),
    "an empty query": ("search", ""),
    "a query of 100 kB": ("search", "x" * 100_000),
    "-k 0": ("search", "x", "-k", "0"),
    "an unknown language": ("search", "x", "--lang", "klingon"),
    "an unknown model": ("search", "x", "--model", "gpt-17"),
    "an empty repository": ("search", "x"),
    "`--index-dir` with other files": ("search", "x", "--index-dir", "foreign"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_a_row_is_what_happens(case: str, tmp_path: Path) -> None:
    ((code, message),) = [(int(code), message) for name, code, message in ROWS if name == case]
    root = tmp_path / "root"
    root.mkdir()
    if "foreign" in ARGUMENTS[case]:
        (root / "foreign").mkdir()
        (root / "foreign" / "a").touch()
    own = {"CODERANK_DATA_DIR": str(tmp_path / "data"), "CODERANK_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "coderank", *ARGUMENTS[case]],
        cwd=root,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert all(part in done.stderr for part in message.split("…"))
