"""Is a difference more than the luck of the queries? Paired bootstrap, seeded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 10_000
SEED = 20_260
_NUMBERS_AT_ONCE = 1 << 21
"""Numbers of one matrix of resamples: some 50 MB for a set of any size. The draw does not depend on it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of paired differences with the 95 % interval of the bootstrap over queries."""

    mean: float
    low: float
    high: float

    def text(self) -> str:
        """Write it as ``+0.012 [-0.003, +0.027]``."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    def record(self) -> dict[str, float]:
        """Return it for JSON."""
        return {"mean": round(self.mean, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def paired(ours: Sequence[float], theirs: Sequence[float], weights: Sequence[float] | None = None) -> Difference:
    """Compare scores of the same queries; ``weights`` (default equal) make a query count more in the mean.

    Raises:
        ValueError: the lists are empty or differ in length.
    """
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    weight = np.ones_like(differences) if weights is None else np.asarray(weights, dtype=np.float64)
    if not differences.size or differences.shape != weight.shape:
        raise ValueError("There must be as many weights as scores, and at least one")
    means = _resampled(differences, weight)
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(float(np.average(differences, weights=weight)), float(low), float(high))


def _resampled(differences: np.ndarray, weight: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(SEED)
    parts = []
    step = max(1, _NUMBERS_AT_ONCE // differences.size)
    for start in range(0, RESAMPLES, step):
        rows = random.integers(0, differences.size, size=(min(step, RESAMPLES - start), differences.size))
        parts.append((differences[rows] * weight[rows]).sum(axis=1) / weight[rows].sum(axis=1))
    return np.concatenate(parts)
