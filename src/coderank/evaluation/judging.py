"""Questions with their answers, and what a ranked list of places is worth. Pure.

A place is a span of a file. A document of a set is a file, too, so that one way of judging serves both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.evaluation.metrics import CUT, dcg, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = tuple[str, int, int]
"""Path, first and last line of one result."""

MEASURES = ("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10", "recall@100")
RECALLS = (1, 5, 10)
DEPTH = 100
"""How far down recall looks at most."""
_WHOLE_FILE = 10**9


@dataclass(frozen=True, slots=True)
class Target:
    """A file that answers a question, or a span of it."""

    path: str
    span: tuple[int, int] | None = None
    gain: float = 1.0

    def matches(self, place: Place) -> bool:
        """Equal paths, or one a suffix of the other at a slash; a span has to share a line with the result."""
        path, start, end = place
        if not (path == self.path or path.endswith(f"/{self.path}") or self.path.endswith(f"/{path}")):
            return False
        return self.span is None or (start <= self.span[1] and end >= self.span[0])


@dataclass(frozen=True, slots=True)
class Question:
    """One judged query about one root."""

    root: str
    """The repository or set that is asked."""
    text: str
    category: str
    targets: tuple[Target, ...]
    id: str = ""
    """Unique in its data set."""


def first_ranks(targets: Sequence[Target], ranked: Sequence[Place]) -> list[int | None]:
    """Return where each target is found first, counted from 0."""
    return [next((rank for rank, place in enumerate(ranked) if t.matches(place)), None) for t in targets]


def chunk_score(targets: Sequence[Target], ranked: Sequence[Place]) -> float:
    """Return nDCG of the raw list: each target counts once, at its first match, one gain per rank."""
    gains = [0.0] * CUT
    for target, rank in zip(targets, first_ranks(targets, ranked[:CUT]), strict=True):
        if rank is not None:
            gains[rank] = max(gains[rank], target.gain)
    return dcg(gains) / dcg(sorted((target.gain for target in targets), reverse=True)[:CUT])


def file_score(targets: Sequence[Target], ranked: Sequence[Place]) -> float:
    """Return nDCG of the list of distinct files."""
    return chunk_score(targets, [(path, 0, _WHOLE_FILE) for path in dict.fromkeys(path for path, _, _ in ranked)])


def scores(targets: Sequence[Target], page: Sequence[Place], deep: Sequence[Place]) -> dict[str, float]:
    """Return every measure: nDCG, MRR and recall of a page of results, and recall at 100 of a deeper list."""
    ranks = first_ranks(targets, page)
    best = min((rank for rank in ranks if rank is not None), default=CUT)
    found = {"ndcg@10": chunk_score(targets, page), "mrr@10": 1 / (best + 1) if best < CUT else 0.0}
    found |= {f"recall@{cut}": _recall(ranks, cut) for cut in RECALLS}
    return found | {f"recall@{DEPTH}": _recall(first_ranks(targets, deep), DEPTH)}


def _recall(ranks: Sequence[int | None], cut: int) -> float:
    return sum(rank is not None and rank < cut for rank in ranks) / len(ranks)


def distinct_files(ranked: Sequence[Place]) -> list[Place]:
    """Keep the best place of each file."""
    best: dict[str, Place] = {}
    for place in ranked:
        best.setdefault(place[0], place)
    return list(best.values())


def mean_over_roots(roots: Sequence[str], values: Sequence[float]) -> float:
    """Return the mean over roots of each root's mean; ``roots`` names the root of each value."""
    by_root: dict[str, list[float]] = {}
    for root, value in zip(roots, values, strict=True):
        by_root.setdefault(root, []).append(value)
    return mean([mean(found) for found in by_root.values()])


def weights(roots: Sequence[str]) -> list[float]:
    """Return what each question weighs in the mean over roots."""
    counts: dict[str, int] = {}
    for root in roots:
        counts[root] = counts.get(root, 0) + 1
    return [1 / counts[root] for root in roots]
