"""The search pipeline in one readable function: embed, retrieve and fuse, rank. Reads only."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from coderank.retrieval.fusion import on_one_scale, request
from coderank.retrieval.priors import ALIKE, DEFAULT, Priors, rank
from coderank.retrieval.query import QueryProfile, code_profile, profile
from coderank.types import Filters, Hit, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.store.contract import Store
    from coderank.types import Candidate, Chunk, SparseVector, Vector

PREFETCH = 50
"""Candidates of each leg: 30 lose 0.005 nDCG@10 on 20 repositories, 100 gain nothing and take twice the time to read
(benchmarks/LOG.md)."""
DEFINITIONS = 30
"""Candidates of each leg fetched by name alone: a name is rarely defined more often."""


class Legs(Protocol):
    """How text becomes vectors. A leg that does not run gives None."""

    lexical_unit: float
    """Weight of one raw BM25 point of a question against cosine similarity (a property of the model)."""

    def dense_query(self, text: str) -> Vector | None:
        """Embed a natural-language query or a name."""
        ...

    def static_query(self, text: str) -> Vector | None:
        """Embed it by the table whose vectors stand in for missing ones."""
        ...

    def dense_code(self, chunk: Chunk) -> Vector | None:
        """Embed code that serves as a query: as a document, without the query prefix."""
        ...

    def static_code(self, chunk: Chunk) -> Vector | None:
        """Embed it by the table whose vectors stand in for missing ones."""
        ...

    def sparse_query(self, text: str) -> SparseVector | None:
        """Encode a query for the lexical leg."""
        ...

    def terms(self, text: str) -> Sequence[str]:
        """Split a text into lower-case terms, as the lexical leg does."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller wants of a search."""

    limit: int
    filters: Filters = field(default_factory=Filters)
    priors: Priors = DEFAULT
    whole: bool = False
    """Give every candidate, for whom the priors are to be put on anew: a file's evidence is in all of its chunks."""


@dataclass(slots=True)
class Stopwatch:
    """Collects the stages of one search."""

    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def measure(self, name: str, detail: str = "") -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        yield
        self.stages.append(Stage(name, round((time.perf_counter() - start) * 1000, 3), detail))


def search(query: str, store: Store, legs: Legs, wanted: Wanted) -> tuple[list[Candidate], list[Stage]]:
    """Find the chunks that answer a natural-language query or a name, best first."""
    watch = Stopwatch()
    with watch.measure("embed"):
        vectors = _Vectors(legs.dense_query(query), legs.static_query(query), legs.sparse_query(query))
    found = _retrieve(profile(query), vectors, store, legs, wanted, watch)
    return found, watch.stages


def related(chunk: Chunk, store: Store, legs: Legs, wanted: Wanted) -> tuple[list[Candidate], list[Stage]]:
    """Find code like the code of ``chunk``, which itself is left out."""
    watch = Stopwatch()
    with watch.measure("embed"):
        vectors = _Vectors(legs.dense_code(chunk), legs.static_code(chunk), legs.sparse_query(chunk.content))
    one_more = replace(wanted, limit=wanted.limit + 1, priors=ALIKE)
    found = _retrieve(code_profile(), vectors, store, legs, one_more, watch)
    others = [c for c in found if (c.chunk.path, c.chunk.start_line) != (chunk.path, chunk.start_line)]
    return others[: wanted.limit], watch.stages


class _Vectors(NamedTuple):
    """A query as each leg asks it, None where a leg does not run; the fields are named as a stage names the legs."""

    dense: Vector | None
    static: Vector | None
    lexical: SparseVector | None


def _retrieve(
    asked: QueryProfile,
    vectors: _Vectors,
    store: Store,
    legs: Legs,
    wanted: Wanted,
    watch: Stopwatch,
) -> list[Candidate]:
    ran = " + ".join(name for name, leg in vectors._asdict().items() if leg is not None)
    if not ran:  # a query without a term, where only terms can be asked for
        return []
    with watch.measure("retrieve", ran):
        plan = request(
            asked,
            vectors.dense,
            vectors.lexical,
            static=vectors.static,
            unit=legs.lexical_unit,
            prefetch=max(PREFETCH, wanted.limit),
            definitions=DEFINITIONS,
            filters=wanted.filters,
        )
        candidates = store.query(plan)
        if vectors.dense is None and vectors.static is None:
            candidates = [replace(c, score=on_one_scale(c.score, plan.lexical_weight)) for c in candidates]
    with watch.measure("rank", f"{len(candidates)} candidates"):
        limit = len(candidates) if wanted.whole else wanted.limit
        return rank(asked, candidates, limit, legs.terms, wanted.priors)


def hit(candidate: Candidate, root: str = "") -> Hit:
    """Describe a candidate as its reader sees it, below a root as the caller names it."""
    chunk = candidate.chunk
    return Hit(
        path=chunk.path,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        language=chunk.language,
        symbol=chunk.symbol,
        score=round(candidate.score, 6),
        content=chunk.content,
        root=root,
    )
