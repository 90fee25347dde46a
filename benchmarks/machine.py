"""Of which code a measurement was taken; on which machine, the package itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path

from coderank.evaluation.machine import LIBRARIES, describe, load

__all__ = ["LIBRARIES", "commit", "describe", "load", "modified"]

PROJECT = Path(__file__).parents[1]


def commit() -> str:
    """Return the short commit of the code."""
    return _git("rev-parse", "--short=10", "HEAD").strip()


def modified() -> list[str]:
    """List the source files that differ from the commit."""
    return [line[3:] for line in _git("status", "--porcelain", "--", "src", "benchmarks/*.py").splitlines()]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=True, text=True)
    return done.stdout
