"""The notebook for a host with GPUs runs from top to bottom, here on the CPU with the bundled model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from coderank.store.payload import to_payload
from coderank.types import Chunk

NOTEBOOK = Path(__file__).parents[1] / "examples" / "reembed_on_two_gpus.ipynb"


def cells() -> list[str]:
    found = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in found)
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    chunks = [
        Chunk(f"part{number}.py", 1, 2, "python", f"def part_{number}():\n    return {number}\n") for number in range(5)
    ]
    lines = [json.dumps({"id": number, "payload": to_payload(chunk)}) for number, chunk in enumerate(chunks)]
    (tmp_path / "kit.jsonl").write_text("\n".join(lines) + "\n")
    own = {
        **{"EXPORT": "kit.jsonl", "OUT": "kit.parquet", "MODEL": "all-minilm-l6-v2"},
        **{"CODERANK_DATA_DIR": str(tmp_path / "data"), "CODERANK_CACHE_DIR": str(tmp_path / "cache")},
    }
    done = subprocess.run(
        [sys.executable, "-c", "\n\n".join(cells())],
        cwd=tmp_path,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "kit.parquet: 5 points, 5 embedded now with all-minilm-l6-v2" in done.stdout
    assert "vectors by all-minilm-l6-v2 (384-d)" in done.stdout
    assert "kit: 5 points" in done.stdout


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    code = "\n\n".join(cells()[:2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"EXPORT": "x.jsonl"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Upload x.jsonl first" in done.stderr
