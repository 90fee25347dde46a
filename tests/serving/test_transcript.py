"""The conversation in the documentation is one that takes place."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_conversation_is_current() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "transcript.py"))
    page = script["PAGE"].read_text("utf-8")
    again = script["page"](page, script["transcript"]())
    assert script["timeless"](page) == script["timeless"](again), "run: python docs/transcript.py"
    assert "AccountLockedError" in page
