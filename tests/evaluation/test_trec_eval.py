"""Our measures agree with trec_eval, the reference of the field (what ir-measures calls, too)."""

from __future__ import annotations

import random

import pytest
import pytrec_eval

from coderank.evaluation.metrics import ndcg, recall, reciprocal_rank

QUERIES = 200
TRUE_TO = 1e-9


def judged(seed: int) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Make graded judgements, and rankings that find some of what is relevant."""
    dice = random.Random(seed)
    relevant, ranked = {}, {}
    for number in range(QUERIES):
        documents = [f"d{n:03d}" for n in range(dice.choice((5, 40, 300)))]
        dice.shuffle(documents)
        ranked[f"q{number}"] = documents[: dice.randint(1, 150)]
        chosen = dice.sample(documents, min(len(documents), dice.randint(1, 20)))
        # A judged document that is not relevant, and one that no ranking can have.
        relevant[f"q{number}"] = {name: dice.randint(0, 3) for name in chosen} | {"unknown": 1}
    return relevant, ranked


@pytest.mark.parametrize("seed", range(3))
def test_measures_agree_with_trec_eval(seed: int) -> None:
    relevant, ranked = judged(seed)
    # trec_eval ranks by score, and looks at whole lists only for the reciprocal rank.
    run = {query: {name: 1 / (n + 1) for n, name in enumerate(names)} for query, names in ranked.items()}
    page = {query: {name: 1 / (n + 1) for n, name in enumerate(names[:10])} for query, names in ranked.items()}
    theirs = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10", "recall.1,5,10,100"}).evaluate(run)
    first = pytrec_eval.RelevanceEvaluator(relevant, {"recip_rank"}).evaluate(page)
    assert theirs.keys() == ranked.keys()
    for query, names in ranked.items():
        gains = {name: float(gain) for name, gain in relevant[query].items()}
        assert ndcg(names, gains) == pytest.approx(theirs[query]["ndcg_cut_10"], abs=TRUE_TO)
        assert reciprocal_rank(names, gains) == pytest.approx(first[query]["recip_rank"], abs=TRUE_TO)
        for cut in (1, 5, 10, 100):
            assert recall(names, gains, cut) == pytest.approx(theirs[query][f"recall_{cut}"], abs=TRUE_TO)
