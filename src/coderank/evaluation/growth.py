"""A store as large as wanted: real chunks again and again, each time with other names and other vectors."""

from __future__ import annotations

import re
import time
import uuid
import zlib
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from coderank.corpus.header import lexical_text
from coderank.embedding.lexical import encode_document
from coderank.store.edge import EdgeStore
from coderank.store.quantization import TURBO
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coderank.store.quantization import Quantization
    from coderank.types import Chunk, Matrix

NOISE = 0.3
"""Length of the noise on a vector: its cosine with the original stays at 0.96, as of two versions of one function."""
SEED = 7
_LONG_NAME = re.compile(r"[A-Za-z_]{6,}")
_RENAMED_SHARE = 4
"""One long name in so many is renamed in a copy."""
_WRITTEN_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class Pool:
    """Real chunks with their vectors, shape (n, dimension)."""

    chunks: Sequence[Chunk]
    vectors: Matrix

    def points(self) -> Iterator[Point]:
        """Yield points without end: the chunks as they are, then copy after copy of them."""
        for copy, vectors in enumerate(self._rounds()):
            for chunk, vector in zip(self.chunks, vectors, strict=True):
                yield _point(_copied(chunk, copy) if copy else chunk, vector, copy)

    def grown(self, count: int) -> Matrix:
        """Return the vectors of the first ``count`` points, shape (count, dimension)."""
        rounds = islice(self._rounds(), -(-count // len(self.chunks)))
        return np.concatenate(list(rounds))[:count]

    def _rounds(self) -> Iterator[Matrix]:
        random = np.random.default_rng(SEED)
        yield self.vectors
        while True:
            yield disturbed(self.vectors, random)


def build(pool: Pool, folder: Path, count: int, quantization: Quantization = TURBO) -> float:
    """Write a store of ``count`` points into an empty folder, and compact it as at the end of every indexing run.

    Returns the seconds that compacting took, in which no other process gets at the store.
    """
    points = islice(pool.points(), count)
    with closing(EdgeStore(folder, pool.vectors.shape[1], quantization=quantization)) as store:
        while some := list(islice(points, _WRITTEN_AT_ONCE)):
            store.upsert(some)
        start = time.perf_counter()
        store.optimize()
        return time.perf_counter() - start


def disturbed(vectors: Matrix, random: np.random.Generator) -> Matrix:
    """Add noise to vectors of length one; they keep that length."""
    noise = _normalised(random.standard_normal(vectors.shape, dtype=np.float32))
    return _normalised(vectors + NOISE * noise)


def renamed(text: str, copy: int) -> str:
    """Give a share of the long names another ending, the same one wherever a name occurs."""
    ending = f"Variant{copy}"

    def new(match: re.Match[str]) -> str:
        name = match[0]
        return name + ending if zlib.crc32(f"{copy}{name}".encode()) % _RENAMED_SHARE == 0 else name

    return _LONG_NAME.sub(new, text)


def _copied(chunk: Chunk, copy: int) -> Chunk:
    return replace(chunk, path=f"copy_{copy}/{chunk.path}", content=renamed(chunk.content, copy))


def _point(chunk: Chunk, vector: Matrix, copy: int) -> Point:
    name = f"{copy}\n{chunk.path}\n{chunk.start_line}\n{chunk.end_line}"
    return Point(str(uuid.uuid5(uuid.NAMESPACE_OID, name)), chunk, encode_document(lexical_text(chunk)), vector)


def _normalised(vectors: Matrix) -> Matrix:
    scaled: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled
