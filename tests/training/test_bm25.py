"""The lexical leg of the miner against the formula, term by term."""

from __future__ import annotations

from math import log, sqrt

import pytest
from tests.training.samples import pair

from coderank.embedding import lexical
from training import bm25


def test_scores_are_those_of_the_formula() -> None:
    texts = ["open the ledger of the shop", "close the drawer", "count coins and notes"]
    question = "open a drawer"
    (asked, *_), encoded = bm25.encoded([pair(question, f"a.py\n{text}") for text in texts])
    found = bm25.scored([asked], encoded)
    vectors = [lexical.encode_document(f"a.py\n{text}") for text in texts]
    terms = lexical.encode_query(question).indices
    for number, vector in enumerate(vectors):
        weights = dict(zip(vector.indices, vector.values, strict=True))
        wanted = 0.0
        for term in terms:
            holding = sum(term in each.indices for each in vectors)
            wanted += log((3 - holding + 0.5) / (holding + 0.5) + 1) * weights.get(term, 0.0)
        assert found[0, number] == pytest.approx(wanted * bm25.UNIT / sqrt(len(terms)), rel=1e-5)
    assert found[0, 0] > 0
    assert found[0, 2] == 0
