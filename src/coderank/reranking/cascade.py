"""Rerank the candidates of a search within a time budget: the best model that fits, and the next one where it fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from coderank.reranking.contract import Status, Usage
from coderank.reranking.policy import BUDGET_MS, CANDIDATES, Outcome, blend, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.reranking.contract import Ranking, Reranker
    from coderank.reranking.policy import Choice
    from coderank.types import Candidate, Chunk

TRIAL_MS = 10_000.0
"""For a trial: more than a model takes that is of any use, less than the patience of somebody who asks for it."""
TRIAL_QUERY = "add two numbers"
TRIAL_PASSAGES = ("def greet(name):\n    print('hello', name)\n", "def add(a, b):\n    return a + b\n")


class Cascade:
    """The rerankers of an engine, in order of preference. Keeps their measured speeds, so it lives as long as they."""

    def __init__(
        self,
        rerankers: Sequence[Reranker],
        text_of: Callable[[Chunk], str],
        budget_ms: float = BUDGET_MS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take finished rerankers; ``text_of`` gives what they read of a chunk: its code under its header."""
        self._rerankers = tuple(rerankers)
        self._text_of = text_of
        self._budget_ms = budget_ms
        self._clock = clock

    @property
    def names(self) -> tuple[str, ...]:
        """The models, in order of preference."""
        return tuple(reranker.name for reranker in self._rerankers)

    def unavailable(self) -> dict[str, str]:
        """Say of each model that would not be asked now why."""
        return {one.name: why for one in self._rerankers if (why := one.unavailable())}

    def prepare(self, budget_ms: float | None = None) -> None:
        """Begin to load the model that would be asked now, in a thread beside what is done until then."""
        budget = self._budget_ms if budget_ms is None else budget_ms
        worker = ThreadPoolExecutor(1, thread_name_prefix="coderank-rerank")
        worker.submit(self._prepare, budget)
        worker.shutdown(wait=False)

    def trials(self) -> dict[str, Ranking]:
        """Ask every model that would be asked now for the order of two passages, to see that it answers."""
        return {
            one.name: one.rerank(TRIAL_QUERY, TRIAL_PASSAGES, TRIAL_MS)
            for one in self._rerankers
            if not one.unavailable() and one.fit(len(TRIAL_PASSAGES), TRIAL_MS)
        }

    def rerank(
        self,
        query: str,
        candidates: Sequence[Candidate],
        *,
        at_most: int = CANDIDATES,
        is_symbol: bool = False,
        budget_ms: float | None = None,
        rank: Callable[[Sequence[Candidate]], list[Candidate]] | None = None,
    ) -> tuple[list[Candidate], Outcome]:
        """Reorder candidates, given best first; all of them come back, and the account says what became of it.

        Models read the first ``at_most``, never more than ``CANDIDATES``. ``rank`` orders by scores and priors: it is
        asked where a model's scores are added to the fused ones.

        Never raises for a model: where all fail, or none fits, the candidates come back as they were.
        """
        start = self._clock()
        budget = self._budget_ms if budget_ms is None else budget_ms
        left, failures, spent = list(self._rerankers), list[str](), Usage()
        passages = [self._text_of(candidate.chunk) for candidate in candidates[: min(at_most, CANDIDATES)]]
        while True:
            remaining = budget - self._elapsed_ms(start)
            choice = choose(left, min(at_most, len(candidates)), remaining, is_symbol=is_symbol)
            if choice.reranker is None:
                return list(candidates), self._without(choice, failures, spent, start)
            ranking = choice.reranker.rerank(query, passages[: choice.candidates], remaining)
            if ranking.status is not Status.FAILED:
                outcome = _outcome(choice, ranking, len(passages), failures)
                return blend(candidates, ranking, rank), replace(outcome, ms=self._elapsed_ms(start))
            spent = ranking.usage
            failures.append(f"{choice.reranker.name} failed: {ranking.why}")
            left = left[left.index(choice.reranker) + 1 :]

    def _prepare(self, budget_ms: float) -> None:
        # Choosing is part of it: whether a model can be asked may take reading its file once.
        chosen = choose(self._rerankers, CANDIDATES, budget_ms).reranker
        if chosen is not None:
            chosen.prepare()

    def _elapsed_ms(self, start: float) -> float:
        return (self._clock() - start) * 1000

    def _without(self, choice: Choice, failures: Sequence[str], spent: Usage, start: float) -> Outcome:
        """Account for an order that is the retrieval's own, with what the last failure cost."""
        status = Status.FAILED if failures else Status.SKIPPED
        return Outcome(status, why="; ".join((*failures, choice.why)), usage=spent, ms=self._elapsed_ms(start))


def _outcome(choice: Choice, ranking: Ranking, wanted: int, failures: Sequence[str]) -> Outcome:
    """Account for a ranking: partial, too, when the time did not allow all candidates."""
    short = f"{choice.candidates} of {wanted} candidates fit into the time budget" if choice.candidates < wanted else ""
    reasons = [*failures, choice.why, short, ranking.why]
    return Outcome(
        Status.PARTIAL if short else ranking.status,
        choice.reranker.name if choice.reranker else "",
        ranking.considered,
        "; ".join(reason for reason in reasons if reason),
        ranking.usage,
    )
