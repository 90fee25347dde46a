"""Is a difference more than the luck of the queries? Paired bootstrap, seeded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 10_000
SEED = 20_260
_AT_ONCE = 500
"""Resamples computed in one matrix: a few MB for any set at hand."""


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
    for _ in range(RESAMPLES // _AT_ONCE):
        rows = random.integers(0, differences.size, size=(_AT_ONCE, differences.size))
        parts.append((differences[rows] * weight[rows]).sum(axis=1) / weight[rows].sum(axis=1))
    return np.concatenate(parts)
