"""What an installation does on this machine, as data: one result of ``coderank bench``. And recall by quantization."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from coderank.evaluation.growth import Pool, build
from coderank.evaluation.metrics import CUT, mean, median
from coderank.store.contract import StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.quantization import TURBO, Quantization
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.types import Matrix

COMPRESSIONS = (
    Quantization(),
    TURBO,
    Quantization("scalar"),
    Quantization("turbo", 2.0, oversampling=2.0),
    Quantization("binary", 2.0, oversampling=2.0),
    Quantization("binary", oversampling=1.0),
    Quantization("binary", oversampling=3.0),
)
"""From the largest vectors to the smallest, each as one would run it; binary without oversampling to show why not."""

ROUNDING = 2e-4
"""By how much a similarity may seem lower than it is: vectors are stored in 16 bits a number."""


class Grown(msgspec.Struct, frozen=True):
    """The same questions on a store of another size."""

    chunks: int
    ms: tuple[float, ...]
    """Of whole searches, without the embedding of the question."""
    stages: dict[str, tuple[float, ...]]
    disk_bytes: int
    added_mib: float
    """Resident memory that opening and asking it added to the process."""
    own_mib: float
    """The part of it that is no page of a mapped file."""
    built_s: float
    compacted_s: float
    """Of that the end, in which no other process gets at the store."""


class Compressed(msgspec.Struct, frozen=True):
    """One compression of the vectors."""

    label: str
    recall: float
    """Of the ten nearest, against an exact scan."""
    ms: float
    """Median of the dense leg."""
    disk_bytes: int


class Spent(msgspec.Struct, frozen=True):
    """One thing that was done several times."""

    what: str
    seconds: tuple[float, ...]
    peak_mib: float = 0.0
    """Of the process; 0 where it was not one of its own."""


class Rival(msgspec.Struct, frozen=True):
    """The same work by another program, in the same run."""

    what: str
    name: str
    ours_s: float
    theirs_s: float

    @property
    def ratio(self) -> float:
        """How many times as long the other one takes."""
        return self.theirs_s / self.ours_s


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured."""

    version: str
    date: str
    machine: str
    load_before: tuple[float, ...]
    load_after: tuple[float, ...]
    model: str
    files: int
    chunks: int
    lines: int
    disk_bytes: int
    questions: int
    stages: dict[str, tuple[float, ...]]
    """Milliseconds by stage, and ``total``, of warm questions."""
    processes: tuple[Spent, ...]
    grown: tuple[Grown, ...]
    compressed_chunks: int
    """How many vectors that was measured on."""
    compressed: tuple[Compressed, ...]
    rivals: tuple[Rival, ...]
    notes: tuple[str, ...]


def compressed(
    pool: Pool, queries: Matrix, count: int, choices: Sequence[Quantization] = COMPRESSIONS
) -> list[Compressed]:
    """Measure recall of the ten nearest, time and disk of each compression over so many chunks made of a pool."""
    vectors = pool.grown(count)
    exact = [_nearest(vectors, query) for query in queries]
    with tempfile.TemporaryDirectory() as scratch:
        build(pool, Path(scratch), count, choices[0])
        return [_compressed(Path(scratch), queries, exact, choice) for choice in choices]


def _nearest(vectors: Matrix, query: Matrix) -> float:
    """Return the similarity of the tenth nearest: what is at least as similar is right, so that ties do no harm."""
    similar = vectors @ query
    return float(np.partition(similar, -min(CUT, len(similar)))[-min(CUT, len(similar))])


def _compressed(folder: Path, queries: Matrix, exact: Sequence[float], choice: Quantization) -> Compressed:
    recalls, spent = [], []
    with closing(EdgeStore(folder, queries.shape[1], quantization=choice)) as store:
        store.optimize()  # takes the compression up
        wanted = min(CUT, store.counts().points)
        store.query(StoreQuery(queries[0], None, wanted))
        for query, least in zip(queries, exact, strict=True):
            start = time.perf_counter()
            found = store.query(StoreQuery(query, None, wanted, prefetch=wanted))[:wanted]
            spent.append((time.perf_counter() - start) * 1000)
            recalls.append(sum(one.score >= least - ROUNDING for one in found) / wanted)
    return Compressed(choice.label, mean(recalls), median(spent), bytes_on_disk(folder))
