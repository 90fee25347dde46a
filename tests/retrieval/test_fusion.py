from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.retrieval.fusion import ASSUMED_SIMILARITY, CODE_TERMS, QUESTION_TERMS, lexical_weight, request
from coderank.retrieval.query import code_profile, profile
from coderank.store.contract import StoreQuery
from coderank.types import Filters, SparseVector

if TYPE_CHECKING:
    from coderank.types import Vector

VECTOR = np.full(4, 0.5, dtype=np.float32)
TERMS = SparseVector((1, 2, 3, 4), (1.0, 1.0, 1.0, 1.0))


def plan(query: str, dense: Vector | None, sparse: SparseVector | None) -> StoreQuery:
    filters = Filters(languages=("go",))
    return request(profile(query), dense, sparse, unit=0.02, prefetch=100, definitions=30, filters=filters)


@given(st.floats(1e-4, 1.0), st.integers(1, 500), st.integers(1, 500))
def test_the_lexical_weight_falls_with_the_root_of_further_terms(unit: float, few: int, many: int) -> None:
    few, many = sorted((few, many))
    assert 0 < lexical_weight(unit, many) <= lexical_weight(unit, few) <= unit
    assert (lexical_weight(unit, few) == unit) == (few <= QUESTION_TERMS)
    beyond = QUESTION_TERMS + few
    assert lexical_weight(unit, 4 * beyond) == pytest.approx(lexical_weight(unit, beyond) / 2)


def test_words_of_code_weigh_less_than_those_of_a_question() -> None:
    terms = SparseVector(tuple(range(4 * CODE_TERMS)), (1.0,) * (4 * CODE_TERMS))
    asked, code = (
        request(who, VECTOR, terms, unit=0.02, prefetch=100, definitions=30, filters=Filters())
        for who in (profile("how are tokens parsed"), code_profile())
    )
    assert asked.lexical_weight == 0.02
    assert code.lexical_weight == pytest.approx(0.01)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 40), st.floats(0, 40), st.integers(1, 30))
def test_a_hit_better_on_both_legs_is_better_fused(
    cosine: float, cosine_lead: float, bm25: float, bm25_lead: float, terms: int
) -> None:
    weight = lexical_weight(0.02, terms)
    assert (cosine + cosine_lead) + weight * (bm25 + bm25_lead) >= cosine + weight * bm25


def test_a_sentence_is_one_request_on_both_legs() -> None:
    fused = plan("how are tokens parsed", VECTOR, TERMS)
    assert fused.dense is VECTOR
    assert fused.sparse is TERMS
    assert (fused.limit, fused.prefetch) == (200, 100)
    assert fused.lexical_weight == 0.02
    assert fused.assumed_similarity == ASSUMED_SIMILARITY
    assert fused.filters.languages == ("go",)
    assert fused.defines == ()


def test_a_name_also_asks_for_its_definitions() -> None:
    named = plan("Session.send", VECTOR, TERMS)
    assert (named.defines, named.definitions) == (("send",), 30)
    assert named.filters.languages == ("go",)


def test_one_leg_alone_is_not_weighed() -> None:
    dense = plan("only dense here", VECTOR, None)
    assert (dense.sparse, dense.lexical_weight) == (None, 0.0)
    lexical = plan("only words here", None, TERMS)
    assert lexical.dense is None
