"""On what a measurement was taken: the machine, the libraries, and how busy it was."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
LIBRARIES = ("numpy", "onnxruntime", "qdrant-edge-py", "tokenizers", "tree-sitter")
"""Those whose version may change a result."""


def describe() -> dict[str, Any]:
    """Describe the machine and the libraries."""
    return {
        "cpu": _cpu_model(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def sentence() -> str:
    """Describe the machine in one line."""
    seen = describe()
    memory = f", {seen['memory_gib']} GiB" if seen["memory_gib"] else ""
    return f"{seen['cores']} cores of {seen['cpu']}{memory}, {seen['system']}, Python {seen['python']}"


def load() -> list[float]:
    """Return the load averages over 1, 5 and 15 minutes: above the number of cores, times are upper bounds."""
    if not hasattr(os, "getloadavg"):
        return []
    return [round(value, 2) for value in os.getloadavg()]


def resident_mib() -> float:
    """Return the memory that this process has resident now; 0 where the system does not tell."""
    return _told("VmRSS") if _STATUS.exists() else 0.0


def own_mib() -> float:
    """Return the part of it that is no page of a mapped file, which the system could take back."""
    return _told("RssAnon") if _STATUS.exists() else 0.0


def peak_mib() -> float:
    """Return the most memory that this process ever had resident."""
    if _STATUS.exists():  # the other figure counts what the process was before it became this program
        return _told("VmHWM")
    import resource  # noqa: PLC0415 - not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _told(name: str) -> float:
    line = next(line for line in _STATUS.read_text("utf-8").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_model() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> int:
    if not hasattr(os, "sysconf"):
        return 0
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
