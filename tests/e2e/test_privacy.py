"""Nothing is left in the user's home, and nothing is told to the makers of libraries."""

from __future__ import annotations

import sys

import pytest
from tests.e2e.conftest import QUESTION, Machine


def test_the_home_folder_stays_as_it_was(indexed: Machine) -> None:
    """ONNX Runtime would keep a number of the machine there, and the events it is about to send."""
    home = indexed.base / "home"
    home.mkdir(exist_ok=True)
    before = set(home.rglob("*"))
    assert indexed.run("index", "--rebuild").code == 0
    assert indexed.run("search", QUESTION, "--mode", "dense").code == 0
    assert indexed.run("doctor").code == 0
    assert set(home.rglob("*")) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the runtime tells of its trouble there")
def test_a_home_that_cannot_be_written_is_no_matter(indexed: Machine) -> None:
    done = indexed.run("search", QUESTION, "--mode", "dense", HOME="/proc/nowhere")
    assert done.code == 0
    assert "telemetry" not in done.err.lower()
