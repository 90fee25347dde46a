from __future__ import annotations

import pytest

from coderank.models.catalogue import get
from coderank.retrieval.tier import ENOUGH, Sources, tier_of, together
from coderank.store.contract import Counts
from coderank.types import SearchMode, Tier


@pytest.mark.parametrize(
    ("counts", "tier"),
    [
        (Counts(0, 0), Tier.NONE),
        (Counts(100, 0), Tier.NONE),
        (Counts(100, 1), Tier.DENSE),
        (Counts(100, 100), Tier.DENSE),
        (Counts(100, 100, 100), Tier.DENSE),
        (Counts(100, 0, 100), Tier.STATIC),
        (Counts(100, 100 * ENOUGH - 1, 100), Tier.STATIC),  # type: ignore[arg-type]
        (Counts(100, 100 * ENOUGH, 100), Tier.BOTH),  # type: ignore[arg-type]
        (Counts(100, 50, 50), Tier.BOTH),
        (Counts(100, 0, 1), Tier.BOTH),
    ],
)
def test_the_vectors_that_answer_are_those_that_are_there(counts: Counts, tier: Tier) -> None:
    assert tier_of(counts, SearchMode.HYBRID) is tier
    assert tier_of(counts, SearchMode.DENSE) is tier
    assert tier_of(counts, SearchMode.LEXICAL) is Tier.NONE


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ([Tier.DENSE, Tier.DENSE], Tier.DENSE),
        ([Tier.DENSE, Tier.STATIC], Tier.BOTH),
        ([Tier.BOTH, Tier.NONE], Tier.BOTH),
        ([Tier.NONE, Tier.STATIC], Tier.STATIC),
        ([Tier.NONE], Tier.NONE),
    ],
)
def test_several_roots_are_spoken_of_together(tiers: list[Tier], said: Tier) -> None:
    assert together(tiers) is said


def test_words_weigh_against_the_vectors_that_answer() -> None:
    model, table = get("all-minilm-l6-v2"), get("coderank-static")
    sources = Sources(model, lambda: pytest.fail("opened"), table)
    assert sources.lexical_weight(Tier.STATIC) == table.lexical_weight
    assert sources.lexical_weight(Tier.BOTH) == sources.lexical_weight(Tier.DENSE) == model.lexical_weight
    assert Sources(model, sources.embedder).lexical_weight(Tier.STATIC) == model.lexical_weight
