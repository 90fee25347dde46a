"""Ranking measures against values computed by hand."""

from __future__ import annotations

from math import log2

import pytest

from coderank.evaluation import metrics


def test_ndcg_of_a_perfect_list_is_one() -> None:
    assert metrics.ndcg(["a", "b", "x"], {"a": 1, "b": 1}) == pytest.approx(1.0)


def test_ndcg_discounts_by_rank() -> None:
    # Gains at ranks 2 and 4 of two relevant documents.
    expected = (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3))
    assert metrics.ndcg(["x", "a", "y", "b"], {"a": 1, "b": 1}) == pytest.approx(expected)


def test_ndcg_takes_graded_gains_and_leaves_zero_gains_out_of_the_ideal() -> None:
    expected = (1 + 2 / log2(3)) / (2 + 1 / log2(3))
    assert metrics.ndcg(["b", "a"], {"a": 2, "b": 1, "c": 0}) == pytest.approx(expected)


def test_ndcg_looks_no_deeper_than_its_cut() -> None:
    ranked = [*map(str, range(10)), "a"]
    assert metrics.ndcg(ranked, {"a": 1}) == 0.0
    assert metrics.ndcg(ranked, {"a": 1}, cut=11) == pytest.approx(1 / log2(12))
    many = {str(number): 1.0 for number in range(20)}
    assert metrics.ndcg(list(many), many) == pytest.approx(1.0)


def test_reciprocal_rank_is_that_of_the_first_relevant() -> None:
    assert metrics.reciprocal_rank(["x", "y", "a", "b"], {"a": 1, "b": 1}) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank(["x"] * 10 + ["a"], {"a": 1}) == 0.0


def test_recall_is_the_share_found() -> None:
    relevant = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0, "none": 0.0}
    assert metrics.recall(["a", "x", "b", "c"], relevant, cut=3) == pytest.approx(0.5)
    assert metrics.recall(["a"], relevant, cut=1) == pytest.approx(0.25)


@pytest.mark.parametrize("measure", [metrics.ndcg, metrics.reciprocal_rank])
def test_nothing_found_and_nothing_relevant_score_zero(measure: type) -> None:
    assert measure([], {"a": 1}) == 0.0
    assert measure(["a"], {}) == 0.0


def test_overlap_is_the_share_of_the_longer_list() -> None:
    assert metrics.overlap(["a", "b", "c"], ["c", "b", "x"]) == pytest.approx(2 / 3)
    assert metrics.overlap(["a"], ["a", "b", "c", "d"]) == pytest.approx(1 / 4)
    assert metrics.overlap(["a", "b"], ["a", "c"], cut=1) == 1.0
    assert metrics.overlap([], []) == 1.0
    assert metrics.overlap([], ["a"]) == 0.0


def test_rank_biased_overlap_of_equal_and_of_foreign_lists() -> None:
    assert metrics.rank_biased_overlap(list("abcdefg"), list("abcdefg")) == pytest.approx(1.0)
    assert metrics.rank_biased_overlap(list("abc"), list("xyz")) == 0.0
    assert metrics.rank_biased_overlap([], []) == 1.0
    assert metrics.rank_biased_overlap([], ["a"]) == 0.0


def test_rank_biased_overlap_by_hand() -> None:
    # Agreement 0/1 at depth 1 and 2/2 at depth 2: (1 - p) / p * (0 + 1 * p^2) + 2/2 * p^2 with p = 0.5.
    assert metrics.rank_biased_overlap(["a", "b"], ["b", "a"], persistence=0.5) == pytest.approx(0.5)
    # Uneven, s = 1 and n = 2: (1 - p) / p * (1 * p + 1/2 * p^2 + 1 * 1/2 * p^2) + (0 + 1) * p^2.
    assert metrics.rank_biased_overlap(["a"], ["a", "b"], persistence=0.5) == pytest.approx(1.0)


def test_rank_biased_overlap_weighs_the_first_ranks_most() -> None:
    original = list("abcdefghij")
    early, late = [*"bacdefghij"], [*"abcdefghji"]
    changed_early = metrics.rank_biased_overlap(original, early)
    assert changed_early < metrics.rank_biased_overlap(original, late) < 1
    assert changed_early == metrics.rank_biased_overlap(early, original)


def test_mean_of_nothing_is_zero() -> None:
    assert metrics.mean([]) == 0.0
    assert metrics.mean([1, 2, 6]) == 3


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 2), (0.51, 3), (0.75, 3), (0.95, 4), (1.0, 4)])
def test_quantile_is_the_smallest_value_that_covers_the_share(share: float, expected: float) -> None:
    assert metrics.quantile([4, 1, 3, 2], share) == expected


def test_median_of_an_odd_count_is_the_middle() -> None:
    assert metrics.median([9, 1, 5]) == 5
