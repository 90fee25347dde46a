"""What processes tell one another of their rerankers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reranking.judges import Clock, Judge, passage
from tests.reranking.rerank_samples import CHARACTERS

from coderank.reranking.breaker import COOL_DOWN_S, LONGEST_COOL_DOWN_S, Breaker
from coderank.reranking.listwise import STRATEGIES, Listwise
from coderank.reranking.memory import Entry, Known, Memory
from coderank.reranking.pace import NEWEST, STALE_S, Pace


@pytest.fixture
def now() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path, now: Clock) -> Memory:
    return Memory(tmp_path / "cache" / "rerankers.json", now)


@pytest.fixture
def entry(memory: Memory) -> Entry:
    return memory.entry("endpoint", "http://localhost/v1", "secret")


def test_an_entry_is_kept_beside_others(memory: Memory, entry: Entry) -> None:
    other = memory.entry("another")
    other.measured(3.0)
    entry.paused(60, "it is down")
    entry.measured(2.0)
    assert entry.known == Known(ms_per_unit=2.0, measured_at=1_000, pause_s=60, until=1_060, why="it is down")
    entry.answered()
    assert entry.known == Known(ms_per_unit=2.0, measured_at=1_000)
    assert other.known.ms_per_unit == 3.0


def test_the_file_shows_no_address(memory: Memory, entry: Entry, tmp_path: Path) -> None:
    entry.measured(1.0)
    (path,) = (tmp_path / "cache").iterdir()
    assert "localhost" not in path.read_text()
    assert "secret" not in path.read_text()


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"x": {"until": "soon"}}', b"\xff"])
def test_a_damaged_file_is_an_empty_one(entry: Entry, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "rerankers.json").write_bytes(damage)
    assert entry.known == Known()
    entry.measured(1.0)
    assert entry.known.ms_per_unit == 1.0


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    entry = Memory(tmp_path / "file" / "rerankers.json").entry("x")
    entry.measured(1.0)
    assert entry.known == Known()


def test_a_speed_is_known_to_the_next_process(entry: Entry) -> None:
    Pace(entry).record(10, 100)
    pace = Pace(entry)
    assert pace.ms_per_unit == pytest.approx(10)
    pace.record(1, 20)
    assert pace.ms_per_unit == entry.known.ms_per_unit == pytest.approx(10 + NEWEST * 10)


def test_an_old_speed_does_not_weigh_on_a_new_one(entry: Entry, now: Clock) -> None:
    Pace(entry).record(10, 100)
    now.advance(STALE_S)
    pace = Pace(entry)
    assert pace.is_stale
    pace.record(1, 20)
    assert (pace.ms_per_unit, pace.is_stale) == (20, False)


def test_a_clock_that_was_set_back_makes_a_speed_old(entry: Entry, now: Clock) -> None:
    Pace(entry).record(10, 100)
    now.advance(-1)
    assert Pace(entry).is_stale


def test_a_pause_goes_on_in_the_next_process(entry: Entry, now: Clock) -> None:
    Breaker(Clock(), entry).failed("it is down")
    now.advance(20)
    assert Breaker(Clock(), entry).blocked() == "skipped for 40 s more, because it is down"
    now.advance(41)
    after = Breaker(Clock(), entry)
    assert after.enter() == ""
    after.failed("still down")
    assert entry.known.pause_s == 2 * COOL_DOWN_S
    now.advance(2 * COOL_DOWN_S + 1)
    well = Breaker(Clock(), entry)
    well.succeeded()
    assert entry.known.pause_s == 0
    assert Breaker(Clock(), entry).enter() == ""


@pytest.mark.parametrize("seconds", [-2 * LONGEST_COOL_DOWN_S, 2 * LONGEST_COOL_DOWN_S])
def test_a_pause_of_long_ago_or_of_another_clock_is_forgotten(entry: Entry, now: Clock, seconds: float) -> None:
    Breaker(Clock(), entry).failed("it is down")
    now.advance(seconds)
    breaker = Breaker(Clock(), entry)
    assert breaker.enter() == breaker.enter() == ""


def test_a_failure_that_is_not_kept_is_this_process_own(entry: Entry) -> None:
    breaker = Breaker(Clock(), entry)
    breaker.failed("the key is wrong", kept=False)
    assert "the key is wrong" in breaker.blocked()
    assert Breaker(Clock(), entry).blocked() == ""


def judged(judge: Judge, entry: Entry, clock: Clock) -> Listwise:
    return Listwise(judge, CHARACTERS, STRATEGIES["topdown"], clock=clock, entry=entry)


def test_a_model_that_was_too_slow_is_tried_again_after_a_while(entry: Entry, now: Clock) -> None:
    clock = Clock()

    def slowly(*_: object) -> str:
        clock.advance(0.7)
        return " > ".join(f"[{number}]" for number in range(1, 11))

    slow = judged(Judge(slowly), entry, clock)
    assert slow.fit(100, 500) == 10
    slow.rerank("q", [passage(grade) for grade in range(10)])
    assert judged(Judge(), entry, clock).fit(100, 500) == 0
    assert judged(Judge(), entry, clock).fit(100, 5_000) > 0
    now.advance(STALE_S)
    assert judged(Judge(), entry, clock).fit(100, 500) == 10


def test_a_model_that_can_only_be_too_slow_is_not_tried(entry: Entry) -> None:
    """CodeRankLLM on a CPU: minutes for a window, within which nothing can be stopped."""
    judge = Judge(assumed_step_ms=136_000)
    reranker = judged(judge, entry, Clock())
    assert reranker.fit(100, 500) == 0
    assert reranker.fit(100, 140_000) == 10
    assert judge.calls == 0


def test_a_window_that_is_not_full_says_nothing_of_the_speed(entry: Entry) -> None:
    """As the two passages of a trial."""
    clock = Clock()

    def slowly(*_: object) -> str:
        clock.advance(9)
        return "[2] > [1]"

    judged(Judge(slowly), entry, clock).rerank("q", [passage(1), passage(0)])
    assert entry.known == Known()
