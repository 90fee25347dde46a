"""A tree that is indexed with one tiny model, to be moved to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.indexing.indexing_world import source
from tests.tiny_model import settings_with_tiny

from coderank import Engine

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.settings import Settings

FILES = 12
QUESTION = "part3_1 compute"


@dataclass(frozen=True)
class World:
    """A tree of small files, and settings under which both models run."""

    root: Path
    settings: Settings

    def engine(self) -> Engine:
        return Engine.open(self.root, settings=self.settings)

    def beside(self, folder: Path) -> Engine:
        """An engine of the same tree with an index of its own, be there one or not."""
        return Engine.open(self.root, index_dir=folder, settings=self.settings)

    def write(self, name: str, functions: int = 3) -> None:
        (self.root / f"{name}.py").write_text(source(name, functions))


def tree(base: Path) -> World:
    """Make the tree, indexed by nobody."""
    made = World(base / "app", settings_with_tiny(base, "small"))
    made.root.mkdir()
    for number in range(FILES):
        made.write(f"part{number}")
    return made


def world(base: Path) -> World:
    """Make the tree and index it."""
    made = tree(base)
    with made.engine() as engine:
        engine.index()
    return made
