from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.reranking.cascade import Cascade
from coderank.reranking.contract import Ranking, Status, Usage
from coderank.reranking.pace import NEWEST, Pace
from coderank.reranking.policy import CANDIDATES, FUSED_WEIGHT, RERANKED_WEIGHT, SCORED_WEIGHT, Outcome, blend, choose
from coderank.types import Candidate, Chunk

SCORES = st.lists(st.floats(-5, 5, allow_nan=False, width=32), min_size=0, max_size=30)


def candidates(*scores: float) -> list[Candidate]:
    return [
        Candidate(str(at), Chunk(f"{at:03}.py", 1, 9, "python", f"code {at}"), score) for at, score in enumerate(scores)
    ]


def ids(found: Sequence[Candidate]) -> list[int]:
    return [int(candidate.id) for candidate in found]


class Scripted:
    """A reranker that answers as written down, and notes what it was asked."""

    def __init__(
        self, name: str, ranking: Ranking | None = None, *, fit: int = 100, least: int = 2, no: str = ""
    ) -> None:
        self.name = name
        self.least = least
        self.asked: list[tuple[str, list[str], float | None]] = []
        self.prepared = threading.Event()
        self._ranking = ranking
        self._fit = fit
        self._no = no

    def fit(self, passages: int, budget_ms: float) -> int:
        return min(passages, self._fit)

    def unavailable(self) -> str:
        return self._no

    def prepare(self) -> None:
        self.prepared.set()

    def rerank(self, query: str, passages: Sequence[str], budget_ms: float | None = None) -> Ranking:
        self.asked.append((query, list(passages), budget_ms))
        return self._ranking or Ranking(Status.COMPLETE, tuple(reversed(range(len(passages)))), usage=Usage(calls=1))


FAILING = Ranking(Status.FAILED, (), "it is down", usage=Usage(calls=3, malformed=3))


def cascade(*rerankers: Scripted, budget_ms: float = 500.0) -> Cascade:
    ticks = itertools.count(0, 0.001)
    return Cascade(rerankers, lambda chunk: f"{chunk.path}\n{chunk.content}", budget_ms, clock=lambda: next(ticks))


def test_the_one_that_will_be_asked_is_loaded_ahead() -> None:
    slow, dead, ready = Scripted("slow", fit=0), Scripted("dead", no="it is down"), Scripted("ready")
    cascade(slow, dead, ready).prepare()
    assert ready.prepared.wait(20)
    assert not slow.prepared.is_set()
    assert not dead.prepared.is_set()
    cascade(slow, dead).prepare()


def test_the_first_that_fits_is_chosen() -> None:
    model, fallback = Scripted("llm"), Scripted("pairs")
    assert choose([model, fallback], 50, 500).reranker is model
    assert choose([model, fallback], 50, 500).candidates == 50
    assert choose([model], 1000, 500).candidates == CANDIDATES


def test_one_that_is_too_slow_is_passed_over_with_its_reason() -> None:
    fallback = Scripted("pairs")
    choice = choose([Scripted("llm", fit=9, least=10), fallback], 50, 500)
    assert choice.reranker is fallback
    assert choice.why == "llm: 9 of the candidates would fit into 500 ms"


def test_a_short_list_needs_no_more_than_it_has() -> None:
    model = Scripted("llm", least=10)
    assert choose([model], 4, 500).reranker is model


def test_one_that_is_unavailable_is_passed_over() -> None:
    choice = choose([Scripted("llm", no="skipped for 3 s more"), Scripted("pairs", fit=0)], 50, 500)
    assert choice.reranker is None
    assert choice.why == "llm: skipped for 3 s more; pairs: none of the candidates would fit into 500 ms"


@pytest.mark.parametrize(
    ("count", "symbol", "why"), [(50, True, "the query is a name"), (1, False, "there is nothing to order")]
)
def test_some_queries_are_left_alone(count: int, symbol: bool, why: str) -> None:
    choice = choose([Scripted("llm")], count, 500, is_symbol=symbol)
    assert (choice.reranker, choice.why) == (None, why)


def test_weights_add_up() -> None:
    assert RERANKED_WEIGHT == 0.7
    assert pytest.approx(0.3) == FUSED_WEIGHT


def test_a_blend_weighs_both_orders() -> None:
    found = blend(candidates(10, 8, 6, 0), Ranking(Status.COMPLETE, (2, 0, 1)))
    assert ids(found) == [2, 0, 1, 3]
    assert [candidate.score for candidate in found] == pytest.approx([6 + 4 * 0.7, 6 + 4 * 0.65, 6 + 4 * 0.15, 0])


def test_a_blend_uses_the_scores_that_a_model_gives() -> None:
    ranking = Ranking(Status.COMPLETE, (2, 1, 0), scores=(9.0, 8.9, -1.0))
    found = blend(candidates(10, 8, 6), ranking)
    assert ids(found) == [1, 2, 0]


def by_score(found: Sequence[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda candidate: -candidate.score)


def test_scores_of_a_cross_encoder_are_added_before_the_priors() -> None:
    """Of 10, 8 and 6, raised by priors to 20, 8 and 6, the last is judged best: half as good again as their span."""
    given_ = [
        replace(candidate, score=score, fused=candidate.score)
        for candidate, score in zip(candidates(10, 8, 6, 1), (20, 8, 6, 1), strict=True)
    ]
    seen: list[Candidate] = []

    def rank(found: Sequence[Candidate]) -> list[Candidate]:
        seen.extend(found)
        return by_score(found)

    found = blend(given_, Ranking(Status.COMPLETE, (2, 1, 0), scores=(3.0, 2.0, 1.0)), rank)
    added = 4 * SCORED_WEIGHT
    assert [candidate.score for candidate in seen] == pytest.approx([10, 8 + added / 2, 6 + added, 1])
    assert ids(found) == [0, 1, 2, 3]


def test_an_order_without_scores_is_weighed_as_before() -> None:
    ranking = Ranking(Status.COMPLETE, (2, 0, 1))
    assert blend(candidates(10, 8, 6, 0), ranking, by_score) == blend(candidates(10, 8, 6, 0), ranking)


def test_a_failed_ranking_changes_nothing() -> None:
    given_ = candidates(3, 2, 1)
    assert blend(given_, FAILING) == given_


def test_equal_fused_scores_leave_the_order_to_the_model() -> None:
    assert ids(blend(candidates(1, 1, 1), Ranking(Status.COMPLETE, (2, 0, 1)))) == [2, 0, 1]


@given(SCORES, st.data())
def test_a_blend_keeps_all_candidates_and_the_scale(scores: list[float], data: st.DataObject) -> None:
    given_ = candidates(*sorted(scores, reverse=True))
    count = data.draw(st.integers(0, len(given_)))
    order = tuple(data.draw(st.permutations(range(count))))
    found = blend(given_, Ranking(Status.COMPLETE, order))
    assert sorted(ids(found)) == list(range(len(given_)))
    assert found[count:] == given_[count:]
    blended = [candidate.score for candidate in found]
    assert blended == sorted(blended, reverse=True)
    assert not given_ or max(blended) <= max(scores) + 1e-6


@given(SCORES.filter(lambda scores: len(scores) > 1))
def test_two_that_agree_change_no_order(scores: list[float]) -> None:
    given_ = candidates(*sorted(scores, reverse=True))
    assert ids(blend(given_, Ranking(Status.COMPLETE, tuple(range(len(given_)))))) == list(range(len(given_)))


def test_a_cascade_hands_over_header_and_code() -> None:
    model = Scripted("llm", fit=2)
    found, outcome = cascade(model).rerank("find it", candidates(3, 2, 1))
    ((query, passages, budget),) = model.asked
    assert (query, passages) == ("find it", ["000.py\ncode 0", "001.py\ncode 1"])
    assert budget is not None
    assert 0 < budget < 500
    assert ids(found) == [1, 0, 2]
    assert outcome.status is Status.PARTIAL
    assert (outcome.model, outcome.candidates, outcome.usage.calls) == ("llm", 2, 1)
    assert outcome.why == "2 of 3 candidates fit into the time budget"
    assert outcome.detail == "llm on 2 candidates, partial: 2 of 3 candidates fit into the time budget"
    assert outcome.ms > 0


def test_a_complete_one_needs_no_reason() -> None:
    _, outcome = cascade(Scripted("llm")).rerank("q", candidates(2, 1))
    assert (outcome.status, outcome.why) == (Status.COMPLETE, "")
    assert outcome.detail == "llm on 2 candidates, complete"


def test_the_next_one_steps_in_for_one_that_fails() -> None:
    found, outcome = cascade(Scripted("llm", FAILING), Scripted("pairs")).rerank("q", candidates(3, 2))
    assert ids(found) == [1, 0]
    assert outcome.model == "pairs"
    assert outcome.status is Status.COMPLETE
    assert outcome.why == "llm failed: it is down"


def test_when_all_fail_the_order_is_the_retrieval_s_and_says_so() -> None:
    given_ = candidates(3, 2)
    found, outcome = cascade(Scripted("llm", FAILING), Scripted("pairs", FAILING)).rerank("q", given_)
    assert found == given_
    assert (outcome.status, outcome.model, outcome.candidates) == (Status.FAILED, "", 0)
    assert outcome.usage.malformed == 3
    assert outcome.detail.startswith("failed: llm failed: it is down; pairs failed: it is down")


@pytest.mark.parametrize("rerankers", [(), (Scripted("llm", no="gone"),)])
def test_when_none_can_be_asked_it_is_skipped(rerankers: tuple[Scripted, ...]) -> None:
    given_ = candidates(3, 2)
    found, outcome = cascade(*rerankers).rerank("q", given_)
    assert found == given_
    assert outcome.status is Status.SKIPPED
    assert outcome.why


def test_a_name_asks_nobody() -> None:
    model = Scripted("llm")
    _, outcome = cascade(model).rerank("Session.send", candidates(3, 2), is_symbol=True)
    assert outcome == Outcome(Status.SKIPPED, why="the query is a name", ms=outcome.ms)
    assert not model.asked


def test_a_budget_may_be_given_for_one_query() -> None:
    model = Scripted("llm")
    cascade(model).rerank("q", candidates(3, 2), budget_ms=5_000)
    assert (model.asked[0][2] or 0) > 4_000


def test_those_beyond_the_hundredth_keep_their_place() -> None:
    model = Scripted("llm")
    given_ = candidates(*range(150, 0, -1))
    found, outcome = cascade(model).rerank("q", given_)
    assert len(model.asked[0][1]) == CANDIDATES
    assert found[CANDIDATES:] == given_[CANDIDATES:]
    assert outcome.status is Status.COMPLETE


def test_pace_follows_the_machine() -> None:
    pace = Pace()
    pace.record(10, 100)
    assert pace.ms_per_unit == pytest.approx(10)
    pace.record(1, 20)
    assert pace.ms_per_unit == pytest.approx(10 + NEWEST * 10)


def test_no_work_is_no_measurement() -> None:
    pace = Pace()
    pace.record(0, 10)
    pace.record(5, 0)
    assert pace.ms_per_unit is None
