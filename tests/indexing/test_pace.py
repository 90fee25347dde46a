from __future__ import annotations

from coderank.indexing.pace import STEP_S, UNHURRIED, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_deadline_all_steps_are_of_one_size() -> None:
    pace = Pace(None)
    assert pace.left()
    assert pace.step(500) == UNHURRIED
    pace.record(UNHURRIED, 60.0)
    assert pace.step(500) == UNHURRIED
    assert pace.step(5) == 5


def overshoot(rate: float, start_up: float, deadline: float) -> tuple[float, int]:
    """Simulate a model of ``rate`` texts a second; return seconds past the deadline and texts embedded."""
    clock = Clock()
    pace = Pace(deadline, clock)
    texts = 0
    delay = start_up
    while pace.left():
        step = pace.step(512)
        clock.now += delay + step / rate
        pace.record(step, delay + step / rate)
        delay = 0.0
        texts += step
    return clock.now - deadline, texts


def test_deadlines_are_met_by_slow_and_fast_models() -> None:
    for rate in (6.0, 50.0, 400.0, 5000.0):
        late, texts = overshoot(rate, 0.0, 3.0)
        assert late <= STEP_S + 1 / rate
        assert texts >= 0.8 * rate * 3.0


def test_a_slow_start_does_not_keep_the_steps_small() -> None:
    late, texts = overshoot(200.0, 0.5, 3.0)
    assert late <= STEP_S
    assert texts >= 400


def test_a_deadline_in_the_past_leaves_no_time() -> None:
    assert not Pace(-1.0, Clock()).left()
