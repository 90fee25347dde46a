"""Whether to rerank, with what, how many candidates, and what its order is worth beside the retrieval's. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coderank.reranking.contract import Status, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coderank.reranking.contract import Ranking, Reranker
    from coderank.types import Candidate

BUDGET_MS = 500.0
"""Added to a search at most: with it, an end-to-end query on a CPU stays below a second."""
CANDIDATES = 100
"""Reranked at most: the authors' evaluation."""
RERANKED_WEIGHT = 0.7
"""Share of the reranker in a blended score. On 63 repositories of a public benchmark, 0.7 with 0.3 for the fused score
beat the reranker alone, which moved the mean by -0.0006 (architecture questions -0.03, hard ones +0.11)."""
FUSED_WEIGHT = 1 - RERANKED_WEIGHT
SCORED_WEIGHT = 0.2
"""What a cross-encoder's best score is worth beside its worst, as a share of the span of the fused scores. It reads one
chunk, and knows nothing of files, tests and documentation: in the place of most of the score, coderank-mini-rerank took
localisation from 0.897 to 0.804; added before the priors it leaves it as it is (0.8996 to 0.9002; 0.35 and more lose;
benchmarks/LOG.md)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the policy decided."""

    reranker: Reranker | None
    candidates: int = 0
    """How many to hand over, from the first on."""
    why: str = ""
    """Why none runs, or why those before the chosen one do not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The account of a reranking, for the result of a search."""

    status: Status
    model: str = ""
    """The model that ranked; empty where none did."""
    candidates: int = 0
    """How many candidates it ranked."""
    why: str = ""
    usage: Usage = field(default_factory=Usage)
    ms: float = 0.0
    """Wall time of everything, weights loaded in it included."""

    @property
    def detail(self) -> str:
        """Say it in a line: ``ms-marco-minilm-l6-v2 on 34 candidates, partial: ...``."""
        ran = f"{self.model} on {self.candidates} candidates, {self.status}" if self.model else str(self.status)
        return f"{ran}: {self.why}" if self.why else ran


def choose(rerankers: Sequence[Reranker], candidates: int, budget_ms: float, *, is_symbol: bool = False) -> Choice:
    """Take the first reranker, in order of preference, that is available and ranks enough in the time.

    A query that is a name is left alone: the retrieval knows definitions, and a cross-encoder took such queries from
    0.978 to 0.952 nDCG@10.
    """
    if is_symbol:
        return Choice(None, why="the query is a name")
    if candidates < 2:
        return Choice(None, why="there is nothing to order")
    reasons: list[str] = []
    for reranker in rerankers:
        reason = reranker.unavailable()
        fitting = 0 if reason else reranker.fit(min(candidates, CANDIDATES), budget_ms)
        if fitting >= min(reranker.least, candidates):
            return Choice(reranker, fitting, "; ".join(reasons))
        reasons.append(f"{reranker.name}: {reason or _too_slow(fitting, budget_ms)}")
    return Choice(None, why="; ".join(reasons) or "no reranker is left to ask")


def blend(
    candidates: Sequence[Candidate],
    ranking: Ranking,
    rank: Callable[[Sequence[Candidate]], list[Candidate]] | None = None,
) -> list[Candidate]:
    """Order the ranked candidates by both rankings; a failed ranking changes nothing.

    A model that scores single passages, as a cross-encoder does, says how much they resemble the query: its scores are
    added to the fused ones, and ``rank`` puts the priors on the sum. Of a model that has ordered them, and without
    ``rank``, the two orders are weighed: both sides are brought to 0..1 over the ranked candidates, an order without
    scores by its positions, evenly spaced, and the sum is laid back onto the span of the candidates' scores, so that
    scores of several indexes stay comparable. Candidates behind the ranked ones then keep their place.
    """
    count = ranking.considered
    if count < 2:
        return list(candidates)
    reranked = dict(zip(ranking.order, _levels(ranking), strict=True))
    if rank is not None and ranking.scores:
        return rank(_added(candidates, reranked))
    own = [candidate.score for candidate in candidates[:count]]
    shares = [RERANKED_WEIGHT * reranked[at] + FUSED_WEIGHT * level for at, level in enumerate(_spread(own))]
    low, span = min(own), max(own) - min(own)
    ordered = sorted(range(count), key=lambda at: (-shares[at], *_place(candidates[at])))
    return [*(replace(candidates[at], score=low + span * shares[at]) for at in ordered), *candidates[count:]]


def _added(candidates: Sequence[Candidate], levels: Mapping[int, float]) -> list[Candidate]:
    """Add the levels, 0..1, of those that were scored to the fused scores. Those that were not get none."""
    fused = [candidate.score if candidate.fused is None else candidate.fused for candidate in candidates]
    judged = [fused[at] for at in levels]
    span = max(judged) - min(judged)
    return [
        replace(candidate, score=score + SCORED_WEIGHT * span * levels.get(at, 0.0))
        for at, (candidate, score) in enumerate(zip(candidates, fused, strict=True))
    ]


def _levels(ranking: Ranking) -> list[float]:
    """Bring the order to 1..0, best first."""
    if ranking.scores:
        return _spread(ranking.scores)
    last = ranking.considered - 1
    return [1 - position / last for position in range(ranking.considered)]


def _spread(scores: Sequence[float]) -> list[float]:
    """Bring scores to 0..1; equal ones are all 0."""
    low, span = min(scores), max(scores) - min(scores)
    return [(score - low) / span if span else 0.0 for score in scores]


def _place(candidate: Candidate) -> tuple[str, int]:
    return candidate.chunk.path, candidate.chunk.start_line


def _too_slow(fitting: int, budget_ms: float) -> str:
    return f"{fitting or 'none'} of the candidates would fit into {budget_ms:.0f} ms"
