"""Whole processes: time, peak memory and failures."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from coderank.errors import MeasurementError
from coderank.evaluation import process

if TYPE_CHECKING:
    from pathlib import Path

HOLD_64_MIB = "block = bytearray(64 << 20); print(len(block))"


def test_a_process_is_run_with_its_output_and_time() -> None:
    done = process.run([sys.executable, "-c", "import time; time.sleep(0.05); print('done')"], os.environ)
    assert done.output == "done\n"
    assert done.seconds >= 0.05


def test_the_peak_is_that_of_the_process_and_not_of_its_parent() -> None:
    here = bytearray(256 << 20)
    done = process.run([sys.executable, "-c", HOLD_64_MIB], os.environ)
    assert 64 < done.peak_mib < 128
    assert len(here) > 128 << 20


def test_a_failed_process_is_an_error_with_what_it_said() -> None:
    with pytest.raises(MeasurementError, match="out of luck"):
        process.run([sys.executable, "-c", "raise SystemExit('out of luck')"], os.environ)


def test_a_program_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="no-such-program"):
        process.run(["no-such-program-at-all"], os.environ)


def test_measured_processes_have_folders_of_their_own_and_no_background(tmp_path: Path) -> None:
    env = process.environment(tmp_path / "data", tmp_path / "cache")
    done = process.run(process.coderank("--version"), env)
    assert "coderank" in done.output
    assert env["CODERANK_DATA_DIR"] == str(tmp_path / "data")
    assert env["CODERANK_BACKGROUND"] == "0"
