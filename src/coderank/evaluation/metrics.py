"""Ranking measures, per query. Pure."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CUT = 10
"""Depth of nDCG and MRR: a page of results."""
PERSISTENCE = 0.9
"""Chance that a reader of a ranking goes on to the next rank: the first ten ranks then make up 86 % of the overlap
(Webber et al. 2010, "A Similarity Measure for Indefinite Rankings")."""


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


def overlap(ours: Sequence[str], theirs: Sequence[str], cut: int = CUT) -> float:
    """Return the share of the longer of two lists, cut off alike, that is in both; 1 where both are empty."""
    one, other = set(ours[:cut]), set(theirs[:cut])
    return len(one & other) / max(len(one), len(other)) if one or other else 1.0


def rank_biased_overlap(ours: Sequence[str], theirs: Sequence[str], persistence: float = PERSISTENCE) -> float:
    """Return how alike two rankings of distinct ids are, the first ranks counting most: from 0 to 1.

    Extrapolated beyond the ends of the lists (equation 32 of Webber et al. 2010), so that equal lists have 1.
    """
    short, long = sorted((ours, theirs), key=len)
    if not short:
        return 0.0 if long else 1.0
    shared = _shared(short, long)
    s, n = len(short), len(long)
    total = sum(shared[d - 1] / d * persistence**d for d in range(1, n + 1))
    total += sum(shared[s - 1] * (d - s) / (s * d) * persistence**d for d in range(s + 1, n + 1))
    beyond = (shared[n - 1] - shared[s - 1]) / n + shared[s - 1] / s
    return (1 - persistence) / persistence * total + beyond * persistence**n


def _shared(short: Sequence[str], long: Sequence[str]) -> list[int]:
    """Count, for every depth, the ids that both lists have down to it; the short one ends before the other does."""
    one: set[str] = set()
    other: set[str] = set()
    counts = []
    for depth, found in enumerate(long):
        one.update(short[depth : depth + 1])
        other.add(found)
        counts.append(len(one & other))
    return counts


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
