"""Which vectors answer a question: the model's, or those that stand in for them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.types import SearchMode, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coderank.embedding.contract import Embedder
    from coderank.models.catalogue import Model
    from coderank.store.contract import Counts

ENOUGH = 0.5
"""Share of the chunks with a vector of the model from which on static ones only fill the gaps. In 20 repositories
nDCG@10 was 0.884 by static vectors alone; with the model's of half the chunks and gaps filled 0.887, of 80 % 0.896, of
90 % 0.897, of all 0.899; with gaps left 0.797, 0.857 and 0.881 (benchmarks/static_tier.py)."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What makes the vectors of a query."""

    model: Model
    embedder: Callable[[], Embedder]
    static: Model | None = None
    """The table that stands in for the model; None for none."""
    static_embedder: Callable[[], Embedder] | None = None

    def lexical_weight(self, tier: Tier) -> float:
        """Give what a BM25 point is worth against the cosine of these vectors."""
        return self.static.lexical_weight if self.static and tier is Tier.STATIC else self.model.lexical_weight


def tier_of(counts: Counts, mode: SearchMode) -> Tier:
    """Choose the vectors to compare.

    An index that an older version wrote has static vectors of some chunks only: then they fill gaps, however many.
    """
    if mode is SearchMode.LEXICAL or not counts.points:
        return Tier.NONE
    if not counts.static or counts.dense == counts.points:
        return Tier.DENSE if counts.dense else Tier.NONE
    for_all = counts.static == counts.points
    return Tier.STATIC if for_all and counts.dense < ENOUGH * counts.points else Tier.BOTH


def together(tiers: Iterable[Tier]) -> Tier:
    """Say which vectors were compared in several roots."""
    found = set(tiers)
    if Tier.BOTH in found or {Tier.DENSE, Tier.STATIC} <= found:
        return Tier.BOTH
    return next((tier for tier in (Tier.DENSE, Tier.STATIC) if tier in found), Tier.NONE)
