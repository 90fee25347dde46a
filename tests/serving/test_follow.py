"""One sync at a time, begun after the question, shared by all who wait, and bounded in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from coderank.errors import IndexNotWritableError
from coderank.serving.follow import Call, CancelledError, Follower
from coderank.types import IndexPhase, Progress

Tell = Callable[[Progress], None]


class Gated:
    """A sync that runs when it is let, and remembers what it was asked."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.begun: list[float] = []
        self.error: Exception | None = None

    def __call__(self, tell: Tell) -> None:
        self.begun.append(time.monotonic())
        tell(Progress(IndexPhase.READ, 3, 40))
        self.let.acquire()
        if self.error is not None:
            raise self.error


def test_a_question_waits_for_a_sync_that_began_after_it_and_all_share_one() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    follower.begin()
    while not sync.begun:
        time.sleep(0.001)
    with ThreadPoolExecutor(8) as pool:
        asked = time.monotonic()
        waiting = [pool.submit(lambda: follower.wait(follower.begin(), 30)) for _ in range(8)]
        time.sleep(0.05)
        assert not any(one.done() for one in waiting)
        sync.let.release()  # the one that began before
        sync.let.release()  # the one that all of them share
        assert all(one.result().current for one in waiting)
    assert len(sync.begun) == 2
    assert sync.begun[1] > asked


def test_a_sync_that_began_after_a_question_counts_also_where_it_ended_before_anybody_waited() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    came_in = time.monotonic()
    sync.let.release()
    assert follower.wait(follower.begin(), 30).current
    assert follower.wait(follower.begin(came_in), 0).current
    assert not follower.wait(follower.begin(time.monotonic()), 0).current
    sync.let.release()
    assert follower.wait(follower.begin(came_in), 30).current


def test_who_hears_of_progress_slowly_holds_up_nobody_else() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    hears, heard = threading.Event(), threading.Event()

    def hear_slowly(_: Progress) -> None:
        hears.set()
        heard.wait(60)

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(follower.wait, follower.begin(), 60, Call(on_progress=hear_slowly))
        assert hears.wait(30)
        other = pool.submit(lambda: follower.wait(follower.begin(), 0.01))
        try:
            assert not other.result(30).current
        finally:
            heard.set()
            sync.let.release(2)
        assert slow.result(30).current


def test_patience_ends_and_says_how_far_it_is() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    heard: list[Progress] = []
    ticket = follower.begin()
    found = follower.wait(ticket, 0.25, Call(on_progress=heard.append))
    assert not found.current
    assert found.detail == "app is still being read (3 of 40 changed files)"
    assert heard
    assert set(heard) == {Progress(IndexPhase.READ, 3, 40)}
    assert follower.progress == Progress(IndexPhase.READ, 3, 40)
    sync.let.release()
    assert follower.wait(ticket, 30).current
    assert follower.progress is None


def test_who_gives_up_is_not_kept() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    with pytest.raises(CancelledError):
        follower.wait(follower.begin(), 30, Call(cancelled=lambda: bool(sync.begun)))
    sync.let.release()


def test_a_failure_is_told_and_forgotten_after_the_next_sync() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    sync.error = IndexNotWritableError("Cannot write x", "Free space")
    sync.let.release()
    found = follower.wait(follower.begin(), 30)
    assert (found.current, found.error) == (False, sync.error)
    assert "Cannot write x" in found.detail
    sync.error = None
    sync.let.release()
    assert follower.wait(follower.begin(), 30).current


def test_a_mistake_in_the_program_is_not_an_answer() -> None:
    sync = Gated()
    follower = Follower(sync, "app")
    sync.error = ZeroDivisionError("a mistake")
    sync.let.release()
    with pytest.raises(ZeroDivisionError):
        follower.wait(follower.begin(), 30)
