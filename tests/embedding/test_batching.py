from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from coderank.embedding.batching import plan

LENGTHS = st.lists(st.integers(min_value=1, max_value=600), max_size=200)
BUDGETS = st.integers(min_value=1, max_value=4096)


def padded(lengths: list[int], batch: list[int]) -> int:
    return max(lengths[index] for index in batch) * len(batch)


@given(LENGTHS, BUDGETS)
def test_every_text_is_in_one_batch(lengths: list[int], budget: int) -> None:
    batches = plan(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)


@given(LENGTHS, BUDGETS)
def test_a_batch_is_within_the_budget_or_a_single_text(lengths: list[int], budget: int) -> None:
    for batch in plan(lengths, budget):
        assert len(batch) == 1 or padded(lengths, batch) <= budget


@given(LENGTHS, BUDGETS)
def test_batches_do_not_overlap_in_length(lengths: list[int], budget: int) -> None:
    """The longest text of a batch is no longer than the shortest one of the batch before."""
    batches = plan(lengths, budget)
    for before, after in itertools.pairwise(batches):
        assert max(lengths[index] for index in after) <= min(lengths[index] for index in before)


@given(LENGTHS, BUDGETS)
def test_padding_is_bounded(lengths: list[int], budget: int) -> None:
    """A batch from length a down to b wastes at most budget * (1 - b / a), which adds up to a logarithm."""
    waste = sum(padded(lengths, batch) for batch in plan(lengths, budget)) - sum(lengths)
    assert waste <= budget * math.log(max(lengths, default=1) / min(lengths, default=1)) + 1e-6


@given(LENGTHS, BUDGETS)
def test_a_batch_is_full_before_the_next_begins(lengths: list[int], budget: int) -> None:
    for batch in plan(lengths, budget)[:-1]:
        longest = max(lengths[index] for index in batch)
        assert longest * (len(batch) + 1) > budget


def test_longest_first_and_equal_lengths_in_order() -> None:
    assert plan([3, 9, 3, 9, 3], 18) == [[1, 3], [0, 2, 4]]


def test_text_over_the_budget_is_alone() -> None:
    assert plan([500, 2, 2], 10) == [[0], [1, 2]]


def test_empty_texts_fit_like_texts_of_one_token() -> None:
    assert plan([0, 0, 0], 2) == [[0, 1], [2]]


def test_nothing_to_plan() -> None:
    assert plan([], 100) == []
