from __future__ import annotations

import pytest
from tests.reranking.judges import Clock

from coderank.reranking.breaker import COOL_DOWN_S, LONGEST_COOL_DOWN_S, Breaker


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    assert breaker.enter() == ""
    breaker.failed("it is down")
    return breaker


def test_a_new_one_lets_everything_through() -> None:
    breaker = Breaker()
    assert breaker.blocked() == ""
    assert breaker.enter() == breaker.enter() == ""


def test_a_failure_blocks_for_a_while(broken: Breaker, clock: Clock) -> None:
    assert broken.enter() == broken.blocked() == "skipped for 60 s more, because it is down"
    clock.advance(COOL_DOWN_S - 1)
    assert broken.enter() == "skipped for 1 s more, because it is down"


def test_then_one_call_finds_out(broken: Breaker, clock: Clock) -> None:
    clock.advance(COOL_DOWN_S + 1)
    assert broken.blocked() == ""
    assert broken.enter() == ""
    assert broken.enter() == broken.blocked() == "skipped for 60 s more, because it is down"
    broken.succeeded()
    assert broken.enter() == broken.enter() == ""


def test_a_call_that_never_reports_blocks_for_one_more_pause(broken: Breaker, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(COOL_DOWN_S + 1)
        assert broken.enter() == ""
        assert broken.enter() != ""


def test_each_further_failure_doubles_the_pause_up_to_a_limit(broken: Breaker, clock: Clock) -> None:
    for pause in (120, 240, 480, 600, LONGEST_COOL_DOWN_S):
        clock.advance(LONGEST_COOL_DOWN_S + 1)
        assert broken.enter() == ""
        broken.failed("still down")
        assert broken.blocked() == f"skipped for {pause:.0f} s more, because still down"


def test_calls_that_fail_together_count_once(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(5):
        assert breaker.enter() == ""
    for _ in range(5):
        breaker.failed("down")
    assert breaker.blocked().startswith("skipped for 60 s")


def test_success_forgets(broken: Breaker, clock: Clock) -> None:
    clock.advance(COOL_DOWN_S + 1)
    broken.enter()
    broken.succeeded()
    broken.enter()
    broken.failed("again")
    assert broken.blocked().startswith("skipped for 60 s")
