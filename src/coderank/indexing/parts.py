"""What both phases of indexing work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.indexing.manifest import Manifest
    from coderank.indexing.tree import Tree
    from coderank.indexing.vector_cache import VectorCache
    from coderank.store.contract import Store


@dataclass(frozen=True, slots=True)
class Early:
    """Vectors that points get while their files are read: a table of token vectors makes thousands a second."""

    embedder: Callable[[], Embedder]
    """Called when the first changed file is read."""
    is_own: bool
    """Whether its model is the index's own, so that nothing is left to be filled in; else its vectors stand in."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The finished parts of one index."""

    tree: Tree
    folder: Path
    """Where the locks live: the index folder, which all generations share."""
    manifest: Manifest
    store: Store
    cache: VectorCache
    embedder: Callable[[], Embedder]
    """Called when the first vector is needed: a sync must not load a model."""
    early: Early | None = None
    check: Callable[[], object] = lambda: None
    """Called under a lock: raises IndexIncompatibleError where the index was moved to other points meanwhile, so that
    nothing is written to those that nobody reads any more."""
    check_to_write: Callable[[], object] = lambda: None
    """Called instead under the lock of a sync, before points are written that an older version might not read."""


@dataclass(frozen=True, slots=True)
class FillReport:
    """What a fill did."""

    embedded: int = 0
    """Vectors computed."""
    reused: int = 0
    """Chunks that got a vector computed before."""
    failed: tuple[str, ...] = ()
    """Chunks the model refused, as ``path:first-last: reason``; they are found by words only."""
