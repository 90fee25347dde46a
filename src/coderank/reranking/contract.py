"""What a reranker is, and what it answers: an order with its account, or no order at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Status(StrEnum):
    """How far a reranking came."""

    COMPLETE = "complete"
    """Every passage that was given was ranked by well-formed answers."""
    PARTIAL = "partial"
    """Some answers were missing or had to be repaired, or time ran out; ``why`` says which."""
    FAILED = "failed"
    """Nothing usable came back: there is no order."""
    SKIPPED = "skipped"
    """Nothing was asked."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reranking cost."""

    calls: int = 0
    """Windows sent to a language model, or batches run by a cross-encoder."""
    steps: int = 0
    """Calls in sequence: those that are made at once count as one."""
    failed: int = 0
    """Calls that brought no text."""
    malformed: int = 0
    """Answers that were not a permutation of the window, repaired or not."""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    ms: float = 0.0
    """Wall time without the loading of weights."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """An order over the first passages of a list.

    A failed ranking has an empty order, so that it cannot be taken for one that agrees with the retrieval.
    """

    status: Status
    order: tuple[int, ...]
    """Positions of passages, best first: a permutation of ``range(len(order))``."""
    why: str = ""
    """Reason of everything but COMPLETE."""
    scores: tuple[float, ...] = ()
    """Score of each entry of ``order`` on the model's own scale; empty for a model that only orders."""
    usage: Usage = Usage()

    @property
    def considered(self) -> int:
        """How many passages, counted from the first, were ranked."""
        return len(self.order)


class Reranker(Protocol):
    """Orders passages by their relevance to a query. Never raises for a model that fails: the ranking says so."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def least(self) -> int:
        """Fewest passages for which it is worth being asked."""
        ...

    def fit(self, passages: int, budget_ms: float) -> int:
        """Tell how many of so many passages to hand over for the time, by the speed measured so far."""
        ...

    def unavailable(self) -> str:
        """Say why it would not be asked now; empty when it would."""
        ...

    def prepare(self) -> None:
        """Load what a call needs, so that it need not wait. Raises nothing: what fails shows in the call."""
        ...

    def rerank(self, query: str, passages: Sequence[str], budget_ms: float | None = None) -> Ranking:
        """Rank the passages, given best first; a passage is header and code. ``budget_ms`` None: without a limit."""
        ...
