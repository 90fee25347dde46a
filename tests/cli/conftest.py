"""A small real repository, and the real command run on it in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import small_tree

FILES = small_tree.FILES | {
    "src/[id].ts": "export function loadProfile(id: string) {\n  return fetch(`/profiles/${id}`);\n}\n",
    "docs/guide.md": "# Guide\n\n## Signing in\n\nA user signs in with a password.\n",
    "data.bin": "\0\1\2",
}


@dataclass(frozen=True, slots=True)
class World:
    """A repository, and where the command keeps its own files."""

    repo: Path
    environment: dict[str, str]

    def having(self, name: str, value: str) -> World:
        """The same world with one environment variable more."""
        return World(self.repo, self.environment | {name: value})

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "coderank", *arguments]

    def run(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.repo,
            env=self.environment | environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    repo = small_tree.write_tree(tmp_path / "repo", FILES)
    foreign = ("CODERANK_", "XDG_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PYTHON")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "HOME": str(tmp_path / "home"),
        "CODERANK_DATA_DIR": str(tmp_path / "data"),
        "CODERANK_CACHE_DIR": str(tmp_path / "cache"),
        "CODERANK_BACKGROUND": "0",
    }
    return World(repo, inherited | own)
