"""The table of listwise strategies: an oracle, agreement with the true order, and what a model is asked."""

from __future__ import annotations

import random

import pytest
from benchmarks.decoder import CODERANK_LLM, Cost, Work, nearest
from benchmarks.strategies import (
    ANSWER_TOKENS,
    CHARACTERS,
    DISORDER,
    ERRORS,
    agreement,
    kendall,
    outcome,
    outcomes,
    passage,
    starting_order,
    table,
    work_of,
)

from coderank.reranking.listwise import STRATEGIES


@pytest.mark.parametrize(
    ("order", "tau"),
    [([], 1.0), ([0], 1.0), ([0, 1, 2, 3], 1.0), ([3, 2, 1, 0], -1.0), ([1, 0, 2, 3], 2 / 3), ([2, 0, 1], -1 / 3)],
)
def test_kendall_counts_pairs_that_stand_the_wrong_way(order: list[int], tau: float) -> None:
    assert kendall(order) == pytest.approx(tau)


def test_agreement_of_the_true_order_and_of_the_reversed_one() -> None:
    assert agreement(range(100)) == pytest.approx((1.0, 1.0, 1.0))
    assert agreement(range(99, -1, -1)) == pytest.approx((0.0, 0.0, -1.0))
    assert agreement([1, 0, 2, 3, 4, *range(5, 20)])[1] == 1.0


def test_a_passage_says_its_place_and_is_as_long_as_a_chunk() -> None:
    assert passage(7).startswith("passage 7\n")
    assert len(passage(7)) == CHARACTERS


@pytest.mark.parametrize("start", list(DISORDER))
def test_starting_orders_have_every_place_and_come_again_with_their_seed(start: str) -> None:
    first, again = (starting_order(start, 50, random.Random(3)) for _ in range(2))
    assert first == again != sorted(first) == list(range(50))


def test_a_retrieved_order_is_nearer_to_the_true_one_than_a_random_one() -> None:
    taus = {start: kendall(starting_order(start, 100, random.Random(3))) for start in DISORDER}
    assert taus["retrieved"] > 0.5 > abs(taus["random"])


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_perfect_judge_puts_the_best_five_in_front(strategy: str) -> None:
    found = outcome(strategy, "random", "perfect", starts=2)
    assert found.first == 1.0
    assert (found.calls, found.steps) == {"sliding": (19, 19), "topdown": (21, 5)}[strategy]
    assert found.prompt_tokens > 19 * 10 * CHARACTERS / 3


def test_a_judge_that_errs_does_worse() -> None:
    perfect, erring = (outcome("topdown", "random", judge, starts=3) for judge in ERRORS)
    assert erring.ndcg < perfect.ndcg
    assert erring.calls == perfect.calls


def test_every_combination_has_a_row() -> None:
    rows = table(outcomes(passages=12, starts=1)).rows
    assert len(rows) == len(DISORDER) * len(ERRORS) * len(STRATEGIES)
    assert rows[0][:3] == ["sliding", "random", "perfect"]


def test_work_counts_the_prompts_of_all_windows() -> None:
    short, long = (work_of("sliding", "query", [text * 20] * 100) for text in ("x = 1\n", "total = 1 + 2\n"))
    assert short.calls == long.calls == 19
    assert short.answer_tokens == 19 * 10 * ANSWER_TOKENS
    assert long.prompt_tokens > short.prompt_tokens > 19 * 10 * 20 * 2
    assert work_of("topdown", "query", ["x"]) == Work(0, 0, 0)


COST = Cost("fp32", prompt=1_000, layer_prompt=1.0, layer_step=0.05, head=0.5, layers=10)


def test_costs_of_one_layer_are_counted_for_all() -> None:
    assert COST.prompt_rate == pytest.approx(1_000 / 10.5)
    assert COST.answer_rate == pytest.approx(1.0)
    assert Work(calls=2, prompt_tokens=2_000, answer_tokens=80).seconds(COST) == pytest.approx(21 + 80)


def test_the_nearest_prompt_of_a_precision_is_taken() -> None:
    others = [Cost("fp32", 100, 1, 1, 1, 1), Cost("bf16", 1_100, 1, 1, 1, 1)]
    assert nearest([*others, COST], "fp32", 1_200) == COST
    assert nearest([*others, COST], "fp32", 300) == others[0]


def test_a_prompt_token_takes_two_operations_for_each_of_six_and_a_half_billion_weights() -> None:
    assert CODERANK_LLM.flop_per_token == pytest.approx(2 * 6.525e9, rel=1e-3)
    work = Work(calls=19, prompt_tokens=80_000, answer_tokens=760)
    assert work.petaflops_within(0.5) == pytest.approx(80_000 * 13.05e9 / 0.5 / 1e15, rel=1e-3)
