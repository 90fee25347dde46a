"""From one retrieval to the result that a caller sees: in the mode the index can serve, and reranked if wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coderank.errors import LineNotFoundError, PathNotFoundError
from coderank.reranking.contract import Status
from coderank.reranking.policy import BUDGET_MS, CANDIDATES
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.priors import rank
from coderank.retrieval.query import profile
from coderank.retrieval.search import Wanted, hit
from coderank.retrieval.tier import tier_of
from coderank.types import Filters, SearchMode, SearchResult, Stage, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import TypeAlias

    from coderank.reranking.cascade import Cascade
    from coderank.retrieval.search import Legs
    from coderank.retrieval.tier import Sources
    from coderank.store.contract import Counts
    from coderank.types import Candidate, Chunk, IndexInfo

    Find: TypeAlias = Callable[[Legs, Wanted], tuple[list[Candidate], list[Stage]]]
    """One retrieval over its legs."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """That the best candidates are to be reordered, and by what."""

    cascade: Cascade | None
    """None: there is none, which ``why`` says."""
    candidates: int = CANDIDATES
    """How many it sees at most."""
    budget_ms: float = BUDGET_MS
    """What it may add to the search."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an index, and what may be used to answer it."""

    query: str
    """As the result repeats it, and as a reranker reads it."""
    limit: int
    mode: str = SearchMode.HYBRID
    scope: Filters | None = field(default_factory=Filters)
    """None: nothing of the index is meant, so that nothing is asked."""
    reranking: Reranking | None = None
    """None: not reranked."""


def answer(
    find: Find, asked: Asked, index: IndexInfo, counts: Counts, sources: Sources, root_of: Callable[[str], str]
) -> SearchResult:
    """Run the retrieval; ``root_of`` gives the root of a hit's path. Without any vectors, words alone are asked."""
    if asked.scope is None:
        return SearchResult(query=asked.query, hits=(), stages=(), index=index)
    mode = SearchMode(asked.mode)
    tier = tier_of(counts, mode)
    if tier is Tier.NONE and mode is SearchMode.HYBRID:
        mode = SearchMode.LEXICAL
    seen = asked.reranking.candidates if asked.reranking else 0
    can_rerank = asked.reranking is not None and asked.reranking.cascade is not None
    wanted = Wanted(max(asked.limit, seen), asked.scope, whole=can_rerank)
    legs = ModelLegs(
        sources.embedder,
        sources.lexical_weight(tier),
        mode,
        tier=tier if tier is not Tier.NONE else Tier.DENSE,
        static_embedder=sources.static_embedder,
    )
    candidates, stages = find(legs, wanted)
    if asked.reranking is not None:
        candidates, stage = _reranked(asked.query, candidates, asked.reranking, legs)
        stages = [*stages, stage]
    hits = tuple(hit(candidate, root_of(candidate.chunk.path)) for candidate in candidates[: asked.limit])
    return SearchResult(query=asked.query, hits=hits, stages=tuple(stages), index=replace(index, tier=tier))


def chunk_at(path: str, line: int, chunks: Collection[Chunk], named: str) -> Chunk:
    """Return the chunk of a file at a line (1-based); ``named`` names the index on the command line.

    Raises PathNotFoundError; LineNotFoundError where the file is there.
    """
    here = next((chunk for chunk in chunks if chunk.start_line <= line <= chunk.end_line), None)
    if here is not None:
        return here
    if chunks:
        last = max(chunk.end_line for chunk in chunks)
        raise LineNotFoundError(f"{path} has no line {line} in the index", f"Name a line from 1 to {last}")
    why = f"`coderank status --skips {named}` tells what is left out, and why"
    raise PathNotFoundError(f"The index has no {path}", why)


def _reranked(query: str, candidates: list[Candidate], wanted: Reranking, legs: Legs) -> tuple[list[Candidate], Stage]:
    """Rerank, and say in a stage what became of it: the model, how many candidates, complete, partial or failed."""
    if wanted.cascade is None:
        return candidates, Stage("rerank", 0.0, f"{Status.SKIPPED}: {wanted.why}")
    about = profile(query)
    ordered, outcome = wanted.cascade.rerank(
        query,
        candidates,
        at_most=wanted.candidates,
        is_symbol=about.is_symbol,
        budget_ms=wanted.budget_ms,
        rank=lambda found: rank(about, found, len(found), legs.terms),
    )
    return ordered, Stage("rerank", round(outcome.ms, 3), outcome.detail)
