from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[[str, Path, int], subprocess.Popen[str]]]:
    """Start an actor in a process of its own; whatever still runs is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(role: str, folder: Path, number: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("actors.py")), role, str(folder), str(number)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()
