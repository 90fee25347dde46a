"""A tree, an index of it, and an embedder that counts; a fake store for what the real one cannot show."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coderank.indexing.manifest import Manifest
from coderank.indexing.parts import Parts
from coderank.indexing.run import Indexer
from coderank.indexing.survey import survey
from coderank.indexing.tree import FolderTree
from coderank.indexing.vector_cache import VectorCache
from coderank.store.contract import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coderank.indexing.plan import Plan
    from coderank.store.contract import Store, StoreQuery
    from coderank.types import Candidate, Chunk, Matrix, Point, Vector

DIMENSION = 16


class HashEmbedder:
    """Gives every text a direction drawn from its hash, and remembers what it was asked."""

    name = "hash"

    def __init__(self, refuse: str = "", delay: float = 0.0, dimension: int = DIMENSION) -> None:
        self.dimension = dimension
        self.texts: list[str] = []
        self.refuse = refuse
        self.delay = delay

    def embed_query(self, text: str) -> Vector:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        vector = np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        unit: Vector = vector / np.linalg.norm(vector)
        return unit

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        if self.refuse and any(self.refuse in text for text in texts):
            raise ValueError(f"cannot embed {self.refuse}")
        time.sleep(self.delay * len(texts))
        self.texts.extend(texts)
        return np.stack([self.embed_query(text) for text in texts])


class MemoryStore:
    """A store in two dictionaries that counts its calls."""

    def __init__(self) -> None:
        self.points: dict[str, Point] = {}
        self.calls = 0

    @property
    def exists(self) -> bool:
        return True

    def kept_paths(self) -> set[str]:
        return {point.chunk.path for point in self.points.values()}

    def upsert(self, points: Sequence[Point]) -> None:
        self.calls += 1
        self.points.update((point.id, point) for point in points)

    def set_dense(self, ids: Sequence[str], vectors: Matrix) -> None:
        self.calls += 1
        for id_, vector in zip(ids, vectors, strict=True):
            if id_ in self.points:
                self.points[id_] = replace(self.points[id_], dense=vector)

    def set_static(self, ids: Sequence[str], vectors: Matrix) -> None:
        self.calls += 1
        for id_, vector in zip(ids, vectors, strict=True):
            if id_ in self.points:
                self.points[id_] = replace(self.points[id_], static=vector)

    def move(self, chunks: Mapping[str, Chunk]) -> None:
        self.calls += 1
        for id_, chunk in chunks.items():
            if id_ in self.points:
                self.points[id_] = replace(self.points[id_], chunk=chunk)

    def delete(self, ids: Sequence[str]) -> None:
        self.calls += 1
        for id_ in ids:
            self.points.pop(id_, None)

    def delete_paths(self, paths: Sequence[str]) -> None:
        self.delete(list(self.chunks_of(paths)))

    def query(self, request: StoreQuery) -> list[Candidate]:
        raise NotImplementedError

    def retrieve(self, ids: Sequence[str]) -> dict[str, Chunk]:
        self.calls += 1
        return {id_: self.points[id_].chunk for id_ in ids if id_ in self.points}

    def chunks_of(self, paths: Sequence[str]) -> dict[str, Chunk]:
        self.calls += 1
        return {id_: point.chunk for id_, point in self.points.items() if point.chunk.path in paths}

    def without_dense(self) -> Iterator[tuple[str, str]]:
        self.calls += 1
        return iter([(id_, point.chunk.path) for id_, point in self.points.items() if point.dense is None])

    def without_vectors(self) -> Iterator[str]:
        self.calls += 1
        bare = [id_ for id_, point in self.points.items() if point.dense is None and point.static is None]
        return iter(bare)

    def paths(self) -> Iterator[str]:
        self.calls += 1
        return iter([point.chunk.path for point in self.points.values()])

    def counts(self) -> Counts:
        self.calls += 1
        dense = sum(point.dense is not None for point in self.points.values())
        return Counts(len(self.points), dense, sum(point.static is not None for point in self.points.values()))

    def close(self) -> None:
        """Hold nothing, so release nothing."""


@dataclass
class World:
    """A tree in ``root`` and everything that indexes it in ``folder``."""

    base: Path
    store: Store
    embedder: HashEmbedder = field(default_factory=HashEmbedder)
    name: str = "index"

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        self.cache = VectorCache(self.base / "vectors.db", DIMENSION)
        self.manifest = Manifest(self.folder / "manifest.db")
        self.parts = Parts(
            FolderTree(self.root), self.folder, self.manifest, self.store, self.cache, lambda: self.embedder
        )
        self.indexer = Indexer(self.parts)

    @property
    def root(self) -> Path:
        return self.base / "tree"

    @property
    def folder(self) -> Path:
        return self.base / self.name

    def plan(self) -> Plan:
        """What a sync would do now."""
        return survey(self.parts.tree, self.manifest).plan

    def write(self, path: str, text: str, *, age: float = 60.0) -> None:
        """Write a file that was last modified ``age`` seconds ago."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        modified = time.time_ns() - int(age * 1e9)
        os.utime(place, ns=(modified, modified))

    def close(self) -> None:
        self.manifest.close()
        self.cache.close()
        self.store.close()


def source(name: str, functions: int = 3) -> str:
    """Return Python code that is cut into several chunks, all different from those of other names."""
    body = "\n".join(f"    {name}_{line} = compute('{name}', {line})" for line in range(30))
    return "\n\n".join(
        f"def {name}_{number}():\n    '''Part {number} of {name}.'''\n{body}" for number in range(functions)
    )
