"""Ranking measures, per query. Pure."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CUT = 10
"""Depth of nDCG and MRR: a page of results."""


def dcg(gains: Sequence[float]) -> float:
    """Discount each gain by log2 of its rank plus one."""
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains))


def ndcg(ranked: Sequence[str], relevant: Mapping[str, float], cut: int = CUT) -> float:
    """Return nDCG of a list of distinct ids with linear gains; 0 where nothing is relevant."""
    ideal = dcg(sorted(relevant.values(), reverse=True)[:cut])
    return dcg([relevant.get(found, 0.0) for found in ranked[:cut]]) / ideal if ideal else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, float], cut: int = CUT) -> float:
    """Return one over the rank of the first relevant id, 0 if it is beyond the cut."""
    return next((1 / rank for rank, found in enumerate(ranked[:cut], start=1) if relevant.get(found)), 0.0)


def recall(ranked: Sequence[str], relevant: Mapping[str, float], cut: int) -> float:
    """Return the share of the relevant ids that are in the first ``cut``; 0 where nothing is relevant."""
    wanted = {name for name, gain in relevant.items() if gain}
    return len(wanted.intersection(ranked[:cut])) / len(wanted) if wanted else 0.0


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def median(values: Sequence[float]) -> float:
    """Return the lower median."""
    return quantile(values, 0.5)
