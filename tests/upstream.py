"""A real repository of somebody else, to be cloned by its file URL."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Upstream:
    """A real repository of somebody else."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return self.place.as_uri()

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, "-C", str(self.place), *arguments], check=True, capture_output=True)

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            (self.place / f"{name}.py").write_text(text, "utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")
