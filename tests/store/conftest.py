from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[[str, Path, int], subprocess.Popen[str]]]:
    """Start an actor in a process of its own; whatever still runs is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(role: str, folder: Path, number: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.store.actors", role, str(folder), str(number)]
        project = Path(__file__).parents[2]
        running.append(
            subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A server for collections of tests: the one at QDRANT_URL, or one made for them."""
    made = Servers()
    yield made
    made.close()
