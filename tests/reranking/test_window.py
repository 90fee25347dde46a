from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coderank.reranking.window import STEP, WINDOW, Strategy, rounds, sliding, topdown

TRUTHS = st.integers(0, 130).flatmap(lambda count: st.permutations(range(count)))
SHAPES = st.tuples(st.integers(2, 20), st.integers(1, 20)).filter(lambda shape: shape[1] <= shape[0])
STRATEGIES = pytest.mark.parametrize("strategy", [sliding, topdown])

Judge = Callable[[Sequence[int]], Sequence[int]]


def follow(strategy: Strategy, count: int, judge: Judge) -> tuple[list[int], list[tuple[int, ...]]]:
    """Run a plan to its end; the order, and the windows that were asked."""
    plan, asked = strategy(count), list[tuple[int, ...]]()
    try:
        step = next(plan)
        while True:
            assert sorted(step.order) == list(range(count))
            members = [position for window in step.windows for position in window]
            assert len(members) == len(set(members))
            asked += step.windows
            step = plan.send([judge(window) for window in step.windows])
    except StopIteration as end:
        return list(end.value), asked


def perfect(truth: Sequence[int]) -> Judge:
    return lambda window: sorted(window, key=lambda position: truth[position])


def grades(strategy: Strategy, truth: Sequence[int]) -> list[int]:
    order, _ = follow(strategy, len(truth), perfect(truth))
    return [truth[position] for position in order]


@STRATEGIES
@given(truth=TRUTHS, data=st.data())
def test_whatever_the_answers_every_passage_comes_out_once(
    strategy: Strategy, truth: list[int], data: st.DataObject
) -> None:
    seed = data.draw(st.randoms(use_true_random=False))
    order, asked = follow(strategy, len(truth), lambda window: seed.sample(list(window), len(window)))
    assert sorted(order) == list(range(len(truth)))
    assert all(2 <= len(window) <= WINDOW for window in asked)


@STRATEGIES
def test_windows_that_come_back_as_they_were_leave_the_first_in_front(strategy: Strategy) -> None:
    order, _ = follow(strategy, 100, lambda window: window)
    assert order[0] == 0
    assert strategy is topdown or order == list(range(100))


@STRATEGIES
@given(truth=TRUTHS)
def test_a_perfect_judge_brings_the_best_five_to_the_front(strategy: Strategy, truth: list[int]) -> None:
    assert grades(strategy, truth)[:5] == list(range(min(5, len(truth))))


@given(TRUTHS, SHAPES)
def test_sliding_guarantees_what_two_windows_share(truth: list[int], shape: tuple[int, int]) -> None:
    window, step = shape
    kept = window - step
    found = grades(partial(sliding, window=window, step=step), truth)
    assert found[:kept] == list(range(min(kept, len(truth))))


@given(TRUTHS, st.integers(2, 20))
def test_topdown_guarantees_half_a_window(truth: list[int], window: int) -> None:
    found = grades(partial(topdown, window=window), truth)
    assert found[: window // 2] == list(range(min(window // 2, len(truth))))


@STRATEGIES
@given(truth=st.integers(0, WINDOW).flatmap(lambda count: st.permutations(range(count))))
def test_one_window_is_ranked_as_a_whole(strategy: Strategy, truth: list[int]) -> None:
    assert grades(strategy, truth) == sorted(truth)


def test_sliding_asks_the_windows_of_the_authors() -> None:
    _, asked = follow(sliding, 100, lambda window: window)
    assert [(window[0], window[-1] + 1) for window in asked] == [(at, at + 10) for at in range(90, -1, -5)]
    assert len(asked) == 19


@given(st.integers(0, 130), SHAPES)
def test_sliding_ends_where_the_authors_loop_does(count: int, shape: tuple[int, int]) -> None:
    window, step = shape
    assume(count != window - step)
    expected, end, start = [], count, count - window
    while end > 0 and start + step != 0:
        start = max(start, 0)
        expected.append((start, end))
        start, end = start - step, end - step
    _, asked = follow(partial(sliding, window=window, step=step), count, lambda window: window)
    assert [(each[0], each[-1] + 1) for each in asked] == [span for span in expected if span[1] - span[0] > 1]


def test_steps_of_a_hundred_passages() -> None:
    assert rounds(sliding, 100) == [1] * 19
    assert rounds(topdown, 100) == [10, 5, 3, 2, 1]


@STRATEGIES
@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_asked_where_there_is_nothing_to_order(strategy: Strategy, count: int) -> None:
    assert rounds(strategy, count) == []


@STRATEGIES
def test_even_the_worst_start_is_turned_around(strategy: Strategy) -> None:
    assert grades(strategy, list(range(99, -1, -1)))[:5] == [0, 1, 2, 3, 4]


def test_topdown_keeps_more_of_the_best_ten_than_sliding() -> None:
    truth = [(position * 37) % 100 for position in range(100)]
    kept = {strategy: len(set(grades(strategy, truth)[:10]) & set(range(10))) for strategy in (sliding, topdown)}
    assert kept[topdown] >= kept[sliding]
    assert STEP == WINDOW // 2
