"""Run a whole process as a user would, and take its time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LAUNCHER = """
import json, os, sys, time
report, *command = sys.argv[1:]
start = time.perf_counter()
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - start
with open(report, "w") as file:
    json.dump([seconds, usage.ru_maxrss, os.waitstatus_to_exitcode(status)], file)
"""
"""Starts the process from a small one: a child's peak memory counts the moment when it still was its parent's copy."""
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """One process that ran to its end."""

    seconds: float
    peak_mib: float
    output: str


def coderank(*arguments: str) -> list[str]:
    """Return the command line of the program as it is installed beside this interpreter."""
    return [str(Path(sys.executable).with_name("coderank")), *arguments]


def environment(data_dir: Path, cache_dir: Path) -> dict[str, str]:
    """Return an environment with folders of its own and no work in the background."""
    own = {"CODERANK_DATA_DIR": str(data_dir), "CODERANK_CACHE_DIR": str(cache_dir), "CODERANK_BACKGROUND": "0"}
    return {**os.environ, **own}


def run(command: Sequence[str], env: Mapping[str, str]) -> Finished:
    """Run a command without a terminal and wait for it.

    Raises:
        MeasurementError: it failed; the message holds what it wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(report), *command]
        done = subprocess.run(  # noqa: S603 - what the caller wants measured
            launcher, env=dict(env), capture_output=True, check=False, text=True
        )
        if not report.exists():
            raise MeasurementError(f"{command[0]} could not be started: {done.stderr}")
        seconds, peak, code = json.loads(report.read_text("utf-8"))
    if code:
        shown = " ".join("…" if "\n" in part else part for part in command)  # a script is not worth reading twice
        raise MeasurementError(f"{shown} exited with {code}: {done.stderr}")
    return Finished(seconds, peak * _MAXRSS_UNIT / 2**20, done.stdout)
