"""Our measures agree with trec_eval, the reference of the field (what ir-measures calls, too)."""

from __future__ import annotations

import random

import pytest
import pytrec_eval

from coderank.evaluation.asking import Asked, ask
from coderank.evaluation.datasets import Root
from coderank.evaluation.judging import DEPTH, Question, Target
from coderank.evaluation.metrics import ndcg, recall, reciprocal_rank
from coderank.types import Hit, IndexInfo, SearchResult

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


@pytest.mark.parametrize("seed", range(3))
def test_what_a_run_keeps_of_a_set_agrees_with_trec_eval(seed: int) -> None:
    relevant, ranked = judged(seed)
    run = {query: {name: 1 / (n + 1) for n, name in enumerate(names[:DEPTH])} for query, names in ranked.items()}
    theirs = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10", "recall.1,5,10,100", "recip_rank"}).evaluate(run)

    def search(query: str, limit: int, *, rerank: bool) -> SearchResult:
        # Two chunks of each document, as of one that was cut: the second is no other document.
        hits = [Hit(name, line, line, "", "", 1.0, "") for name in ranked[query][:limit] for line in (1, 2)]
        return SearchResult(query, tuple(hits), (), IndexInfo("tiny", 9, 1.0))

    questions = tuple(
        Question("set", query, "", tuple(Target(name, gain=gain) for name, gain in gains.items() if gain), query)
        for query, gains in relevant.items()
    )
    names = {name: name for gains in relevant.values() for name in gains}
    names |= {name: name for found in ranked.values() for name in found}
    asked = Asked()
    ask(Root("set", "", questions), search, names, asked, rerank=False)
    for answer in asked.answers:
        seen = theirs[answer.id]
        first = seen["recip_rank"] if seen["recip_rank"] >= 1 / 10 else 0.0
        assert answer.scores["ndcg@10"] == pytest.approx(seen["ndcg_cut_10"], abs=TRUE_TO)
        assert answer.scores["mrr@10"] == pytest.approx(first, abs=TRUE_TO)
        for cut in (1, 5, 10, 100):
            assert answer.scores[f"recall@{cut}"] == pytest.approx(seen[f"recall_{cut}"], abs=TRUE_TO)
