"""A tree of three files in a store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.indexing.indexing_world import MemoryStore, World, source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def world(tmp_path: Path, store: MemoryStore) -> World:
    world = World(tmp_path, store)
    for name in ("alpha", "beta", "gamma"):
        world.write(f"src/{name}.py", source(name))
    return world
