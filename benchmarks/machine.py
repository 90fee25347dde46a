"""On what a measurement was taken: the machine, the libraries, the commit, and how busy it all was."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
LIBRARIES = ("numpy", "onnxruntime", "qdrant-edge-py", "tokenizers", "tree-sitter")
"""Those whose version may change a result."""


def describe() -> dict[str, Any]:
    """Describe the machine and the libraries."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def load() -> list[float]:
    """Return the load averages over 1, 5 and 15 minutes: above the number of cores, times are upper bounds."""
    return [round(value, 2) for value in os.getloadavg()]


def commit() -> str:
    """Return the short commit of the code."""
    return _git("rev-parse", "--short=10", "HEAD").strip()


def modified() -> list[str]:
    """List the source files that differ from the commit."""
    return [line[3:] for line in _git("status", "--porcelain", "--", "src", "benchmarks/*.py").splitlines()]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, check=True, text=True)
    return done.stdout


def _cpu_model() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
