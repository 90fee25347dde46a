"""How the two legs are weighed against each other. Pure; the engine of the store does the sum.

Scores are fused, not ranks: ``cosine + weight * bm25``, both raw. Rank fusion throws away how much better the first hit
is than the second, and on natural-language questions lost up to 0.04 nDCG@10 to its own dense leg; the sum of scores
gained on every set measured (benchmarks/LOG.md; compare Bruch et al. 2022, "An Analysis of Fusion Functions for Hybrid
Retrieval"). BM25 grows with the number of query terms while a cosine does not, and it should: the more words a question
has, the better its words alone answer it. Only beyond the length of a question does the weight fall, with their root.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from coderank.store.contract import StoreQuery

if TYPE_CHECKING:
    from coderank.retrieval.query import QueryProfile
    from coderank.types import Filters, SparseVector, Vector

ASSUMED_SIMILARITY = 0.25
"""Cosine of a chunk whose vector is not there yet: about the mean over lexical candidates, so that a half-filled index
prefers neither the chunks with vectors nor those without."""

TYPICAL_STATIC = 0.23
"""Cosine by the static table of chunks whose cosine by a model is ASSUMED_SIMILARITY: what tells the two scales apart
where static vectors stand in for some chunks only. Candidates by words have 0.294 by coderank-static, 0.311 by
coderank-mini, and spread alike (0.154, 0.157)."""


QUESTION_TERMS = 32
"""Up to so many distinct terms every BM25 point of a question counts in full; nine in ten of the longest ones measured
have 29 at most. A pasted log has hundreds, and its words would drown what it means."""

CODE_TERMS = 6
"""The same where code is the query, every name in it a term: what was in use when `related` was last looked at."""


def lexical_weight(unit: float, terms: int, full: int = QUESTION_TERMS) -> float:
    """Weight of one raw BM25 point for a query of ``terms`` distinct terms: ``unit`` for up to ``full`` of them."""
    return unit * sqrt(min(1.0, full / max(terms, 1)))


def on_one_scale(bm25: float, weight: float) -> float:
    """Give a chunk found by words alone the score that it would have in a fused list before its vector is there.

    So that the hits of several roots can be put into one list, of which some have vectors and others have none yet.
    """
    return ASSUMED_SIMILARITY + weight * bm25


def request(
    asked: QueryProfile,
    dense: Vector | None,
    sparse: SparseVector | None,
    *,
    static: Vector | None = None,
    unit: float,
    prefetch: int,
    definitions: int,
    filters: Filters,
) -> StoreQuery:
    """Plan the store request of one query: the fused list, and the definitions of every name asked for."""
    full = CODE_TERMS if asked.is_code else QUESTION_TERMS
    return StoreQuery(
        dense=dense,
        sparse=sparse,
        static=static,
        limit=2 * prefetch,
        prefetch=prefetch,
        lexical_weight=lexical_weight(unit, len(sparse.indices), full) if sparse else 0.0,
        assumed_similarity=TYPICAL_STATIC if dense is None and static is not None else ASSUMED_SIMILARITY,
        typical_static=TYPICAL_STATIC,
        filters=filters,
        defines=asked.names,
        definitions=definitions,
    )
