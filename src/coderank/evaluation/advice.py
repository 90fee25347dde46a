"""Which compression of a collection's vectors is the cheapest that still finds what an exact search finds."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import CoderankError
from coderank.evaluation.metrics import mean, quantile
from coderank.store.quantization import NONE, Quantization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.store.bench import Bench, Sizes
    from coderank.types import Matrix

CUT = 10
"""Places that count: what a caller reads."""
CANDIDATES = 82
"""What a search asks each leg for: 50 candidates, and 32 more for the ties at their end."""
OVERSAMPLING = (1.0, 2.0, 4.0)
"""Beyond 4 a search reads more of the stored vectors than a finer compression would cost."""
TARGET = 0.99
"""Recall below which compression is felt: one of ten answers is another one in every tenth search."""
TIE = 1e-4
"""Difference of cosines that is none: twice what storing 16 bits a number can make of it."""
FEWEST = 200
"""Vectors below which every search reads all of them anyway, and recall says nothing."""
STORED: tuple[Quantization, ...] = (
    NONE,
    *(Quantization("turbo", bits) for bits in (4.0, 2.0, 1.5, 1.0)),
    Quantization("scalar", quantile=0.99),
    *(Quantization("binary", bits) for bits in (2.0, 1.5)),
    *(Quantization("binary", 1.0, query_encoding=encoding) for encoding in ("default", "scalar8bits")),
)
"""What is tried. A query of 8 bits over vectors of one costs nothing in memory."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to compress and ask, and what it came to."""

    quantization: Quantization
    recall: float
    """Share of the true ten nearest that were among the ten found."""
    median_ms: float
    slow_ms: float
    """What one search in twenty takes longer than."""
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Advice:
    """Every trial, and the one to take."""

    trials: tuple[Trial, ...]
    target: float
    vectors: int
    queries: int
    dimension: int
    engine: str
    points: int
    """Of the whole collection, whatever was sampled."""
    own_queries: bool
    """Whether the queries are questions of the user's, not vectors of the collection."""
    missing: tuple[str, ...] = ()
    """What could not be tried, and why."""

    @property
    def chosen(self) -> Trial | None:
        """The trial whose first pass reads the fewest bytes among those that reach the target; then the fastest."""
        good = [trial for trial in self.trials if trial.recall >= self.target]
        return min(good, key=lambda one: (round(one.sizes.scanned), one.median_ms), default=None)


def advise(
    bench: Bench,
    vectors: Matrix,
    queries: Matrix,
    *,
    points: int,
    target: float = TARGET,
    own_queries: bool = False,
    stored: Sequence[Quantization] = STORED,
    announce: Callable[[str], object] = lambda _: None,
) -> Advice:
    """Try every compression on these vectors with these queries, both normalised, shape (n, dimension).

    As a search of coderank does it: CANDIDATES are taken, and the stored vectors decide which ten come first.
    """
    if len(vectors) < FEWEST:
        raise CoderankError(
            f"{len(vectors)} vectors are too few to measure compression with, and need none", f"Index {FEWEST} or more"
        )
    truth = Truth(vectors, queries)
    trials: list[Trial] = []
    missing: list[str] = []
    for one in stored:
        announce(one.stored)
        try:
            sizes = bench.build(vectors, one)
        except CoderankError as error:  # an older server lacks some
            if one == NONE:
                raise
            missing.append(f"{one.stored}: {error.message}")
            continue
        trials += [_tried(bench, asked, sizes, queries, truth) for asked in _asked(one)]
    return Advice(
        trials=tuple(trials),
        target=target,
        vectors=len(vectors),
        queries=len(queries),
        dimension=vectors.shape[1],
        engine=bench.engine,
        points=points,
        own_queries=own_queries,
        missing=tuple(missing),
    )


class Truth:
    """What an exact search finds.

    Code has many copies, and their vectors are equal: whichever of them is found is as good as the others.
    """

    def __init__(self, vectors: Matrix, queries: Matrix, cut: int = CUT) -> None:
        """Scan all vectors as they are stored, in float16."""
        kept = vectors.astype(np.float16).astype(np.float32)
        self._scores = queries @ kept.T
        self._cut = min(cut, len(vectors))
        self._least = np.partition(self._scores, -self._cut, axis=1)[:, -self._cut] - TIE

    def recall(self, query: int, found: Sequence[int]) -> float:
        """Share of the best places of a query that hold a vector which belongs into one."""
        scores = self._scores[query, list(dict.fromkeys(found[: self._cut]))]
        return float((scores >= self._least[query]).sum()) / self._cut


def _asked(stored: Quantization) -> Iterator[Quantization]:
    if stored.kind == "none":
        yield stored
        return
    yield from (replace(stored, oversampling=times) for times in OVERSAMPLING)


def _tried(bench: Bench, quantization: Quantization, sizes: Sizes, queries: Matrix, truth: Truth) -> Trial:
    bench.search(queries[0], CANDIDATES, quantization)  # the first one reads files
    shares, times = [], []
    for number, query in enumerate(queries):
        began = time.perf_counter()
        found = bench.search(query, CANDIDATES, quantization)
        times.append((time.perf_counter() - began) * 1000)
        shares.append(truth.recall(number, found))
    return Trial(quantization, mean(shares), quantile(times, 0.5), quantile(times, 0.95), sizes)
