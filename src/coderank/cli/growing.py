"""Measures a store as large as wanted: filled by one process and asked by another, whose memory is then its own."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coderank.cli.apart import apart
from coderank.errors import MeasurementError
from coderank.evaluation import machine
from coderank.evaluation.bench import Grown
from coderank.evaluation.growth import build
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.search import Wanted, search
from coderank.store.edge import EdgeStore
from coderank.store.room import bytes_on_disk
from coderank.types import SearchMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coderank.evaluation.growth import Pool
    from coderank.types import Matrix, Vector

LIMIT = 10
TOTAL = "total"
WARMING_UP = 10
"""Questions that are asked first and not counted: the first ones read the store from the disk."""
BYTES_A_CHUNK = 10 * 1024
"""Room on the disk that a chunk takes while a store is compacted, when it is there twice (1 M chunks: 8.7 GiB)."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked, embedded already, so that growth measures the store and the ranking alone."""

    texts: Sequence[str]
    vectors: Matrix
    """Shape (len(texts), dimension)."""
    lexical_weight: float
    """What a BM25 point counts beside the model's cosine."""


def check_room(scratch: Path, sizes: Sequence[int]) -> None:
    """Refuse what would fill the disk after minutes of work.

    Raises:
        MeasurementError: there is less room than the largest store takes.
    """
    wanted, free = max(sizes, default=0) * BYTES_A_CHUNK, shutil.disk_usage(scratch).free
    if wanted > free:
        raise MeasurementError(
            f"A store of {max(sizes):,} chunks takes {wanted / 2**30:,.1f} GiB while it is built, and {scratch} has "
            f"{free / 2**30:,.1f} GiB",
            "Name a folder of a larger disk: TMPDIR=DIR coderank bench, or fewer chunks: --sizes",
        )


def grown(pool: Pool, folder: Path, size: int, questions: Questions) -> Grown:
    """Fill an empty folder with so many chunks, ask it everything, and delete it."""
    folder.mkdir()
    built, compacted = apart(_built, pool, folder, size)
    spent, added, own = apart(_asked, folder, questions)
    stages = {name: tuple(values) for name, values in spent.items()}
    found = Grown(size, stages.pop(TOTAL), stages, bytes_on_disk(folder), added, own, built, compacted)
    shutil.rmtree(folder)
    return found


def _built(pool: Pool, folder: Path, size: int) -> tuple[float, float]:
    """Return the seconds that all of it took, and those of compacting."""
    start = time.perf_counter()
    compacted = build(pool, folder, size)
    return time.perf_counter() - start, compacted


def _asked(folder: Path, questions: Questions) -> tuple[dict[str, list[float]], float, float]:
    """Return milliseconds by stage, and the memory that opening and asking took: all, and without mapped files."""
    known = _Known(questions)
    legs = ModelLegs(lambda: known, questions.lexical_weight, SearchMode.HYBRID)
    before, own = machine.resident_mib(), machine.own_mib()
    spent: dict[str, list[float]] = {}
    with closing(EdgeStore(folder, known.dimension)) as store:
        for text in questions.texts[:WARMING_UP]:
            search(text, store, legs, Wanted(LIMIT))
        for text in questions.texts:
            start = time.perf_counter()
            _, stages = search(text, store, legs, Wanted(LIMIT))
            spent.setdefault(TOTAL, []).append((time.perf_counter() - start) * 1000)
            for stage in stages:
                spent.setdefault(stage.name, []).append(stage.ms)
        return spent, max(0.0, machine.resident_mib() - before), max(0.0, machine.own_mib() - own)


class _Known:
    """An embedder that knows the vectors of its texts."""

    name = "known vectors"

    def __init__(self, questions: Questions) -> None:
        self._known: dict[str, Vector] = dict(zip(questions.texts, questions.vectors, strict=True))
        self.dimension = questions.vectors.shape[1]

    def embed_query(self, text: str) -> Vector:
        return self._known[text]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self._known[text] for text in texts])
