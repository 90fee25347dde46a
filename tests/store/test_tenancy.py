from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from coderank.errors import IndexBusyError, StoreError
from coderank.store.lease import Lease
from coderank.store.tenancy import HOLD_S, WATCH_S, Tenancy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Door:
    """A resource that counts how often it was opened and closed."""

    def __init__(self, folder: Path, *, timeout: float = 10.0, beside: bool = False) -> None:
        self.opened = 0
        self.closed = 0
        self.refuse_open = False
        self.refuse_close = False
        self.inside = 0
        self.beside = beside
        self.tenancy = Tenancy[Door](
            Lease(folder), self._open, self._close, timeout, visit=self._open, may_visit=lambda: self.beside
        )

    def _open(self) -> Door:
        if self.refuse_open:
            raise StoreError("cannot open")
        self.opened += 1
        return self

    def _close(self, door: Door) -> None:
        assert door is self
        self.closed += 1
        if self.refuse_close:
            raise StoreError("cannot close")

    def pass_through(self, *, reads: bool = False) -> None:
        with self.tenancy.use(reads=reads) as door:
            door.inside += 1
            assert door.inside == 1
            door.inside -= 1


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.refuse_close = False
    made.tenancy.close()


def test_it_opens_once_and_stays_open(door: Door) -> None:
    assert door.opened == 0
    for _ in range(5):
        door.pass_through()
    assert (door.opened, door.closed) == (1, 0)


def test_it_opens_again_after_close(door: Door) -> None:
    door.pass_through()
    door.tenancy.close()
    door.tenancy.close()
    door.pass_through()
    assert (door.opened, door.closed) == (2, 1)


def test_an_idle_holder_hands_over(door: Door, tmp_path: Path) -> None:
    door.pass_through()
    other = Door(tmp_path)
    other.pass_through()
    assert door.closed == 1
    door.pass_through()
    assert (other.closed, door.opened) == (1, 2)
    other.tenancy.close()


def test_a_busy_holder_hands_over_between_two_operations(door: Door, tmp_path: Path) -> None:
    other = Door(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        door.pass_through()
        served = pool.submit(other.pass_through)
        while not served.done():
            door.pass_through()
        served.result()
    other.tenancy.close()
    assert door.closed >= 1


def test_a_busy_holder_looks_for_others_now_and_then_only(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    wanted = Lease.wanted

    def counted(lease: Lease) -> bool:
        nonlocal looks
        looks += 1
        return wanted(lease)

    monkeypatch.setattr(Lease, "wanted", counted)
    begun = time.monotonic()
    for _ in range(200):
        door.pass_through()
    assert looks <= (time.monotonic() - begun) / HOLD_S + (time.monotonic() - begun) / WATCH_S
    time.sleep(HOLD_S)
    door.pass_through()
    assert looks >= 1


def test_an_operation_is_never_interrupted(door: Door, tmp_path: Path) -> None:
    impatient = Door(tmp_path, timeout=0.1)
    with door.tenancy.use():
        with pytest.raises(IndexBusyError):
            impatient.pass_through()
        time.sleep(HOLD_S)
        assert door.closed == 0


def test_threads_take_turns(door: Door) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(door.pass_through) for _ in range(200)]:
            done.result()
    assert door.opened == 1


def test_failing_to_open_gives_the_lease_up(door: Door, tmp_path: Path) -> None:
    door.refuse_open = True
    with pytest.raises(StoreError, match="cannot open"):
        door.pass_through()
    other = Door(tmp_path, timeout=0.0)
    other.pass_through()
    other.tenancy.close()


def test_a_failing_operation_leaves_it_usable(door: Door) -> None:
    with pytest.raises(ZeroDivisionError), door.tenancy.use():
        raise ZeroDivisionError
    door.pass_through()
    assert door.opened == 1


def test_failing_to_close_while_idle_is_told_at_the_next_use(door: Door, tmp_path: Path) -> None:
    door.pass_through()
    door.refuse_close = True
    other = Door(tmp_path)
    other.pass_through()
    other.tenancy.close()
    with pytest.raises(StoreError, match="cannot close"):
        door.pass_through()
    door.pass_through()


def test_nobody_is_inside_while_it_is_vacant(door: Door, tmp_path: Path) -> None:
    door.pass_through()
    with door.tenancy.vacant():
        assert door.closed == 1
        with pytest.raises(IndexBusyError):
            Door(tmp_path, timeout=0.05).pass_through()
    door.pass_through()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_those_that_read_stay_beside_each_other_until_one_writes(tmp_path: Path) -> None:
    doors = [Door(tmp_path, beside=True) for _ in range(3)]
    for _ in range(3):
        for one in doors:
            one.pass_through(reads=True)
    time.sleep(3 * WATCH_S)
    assert [(one.opened, one.closed) for one in doors] == [(1, 0)] * 3
    doors[0].pass_through()
    assert [(one.opened, one.closed) for one in doors] == [(2, 1), (1, 1), (1, 1)]
    doors[0].pass_through(reads=True)
    assert (doors[0].opened, doors[0].closed) == (2, 1)
    doors[1].pass_through(reads=True)
    assert [(one.opened, one.closed) for one in doors] == [(2, 2), (2, 1), (1, 1)]
    for one in doors:
        one.tenancy.close()


def test_who_cannot_read_beside_others_has_it_alone(door: Door, tmp_path: Path) -> None:
    other = Door(tmp_path)
    door.pass_through(reads=True)
    other.pass_through(reads=True)
    assert (door.closed, other.opened) == (1, 1)
    other.tenancy.close()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_failing_to_open_beside_others_gives_the_lease_up(tmp_path: Path) -> None:
    failing = Door(tmp_path, beside=True)
    failing.refuse_open = True
    with pytest.raises(StoreError, match="cannot open"):
        failing.pass_through(reads=True)
    other = Door(tmp_path, timeout=0.0)
    other.pass_through()
    other.tenancy.close()


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_of_several_that_cannot_read_beside_others_only_the_first_has_it_alone(tmp_path: Path) -> None:
    doors = [Door(tmp_path) for _ in range(4)]
    alone: list[Door] = []

    def close_one(door: Door) -> None:
        if not door.tenancy._lease.shared:
            alone.append(door)
        for one in doors:
            one.beside = True

    for one in doors:
        one.tenancy._leave = close_one
    first = Lease(tmp_path)
    first.acquire(0)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(one.pass_through, reads=True) for one in doors]
        while not first.wanted():
            time.sleep(0.001)
        time.sleep(0.05)
        first.release()
        for answer in waiting:
            answer.result()
    for one in doors:
        one.tenancy.close()
    assert len(alone) == 1


@pytest.mark.skipif(os.name != "posix", reason="there are no shared locks")
def test_nobody_who_reads_waits_for_long_beside_one_that_always_writes(tmp_path: Path) -> None:
    """Each opening takes a moment, and a view is there only after one who read had the folder alone."""
    view, answers, rounds = tmp_path / "view", 4, []

    class Opened(Door):
        def _open(self) -> Door:
            view.unlink(missing_ok=True)
            time.sleep(0.02)
            return super()._open()

    def write(stop: threading.Event) -> None:
        door = Opened(tmp_path)
        while not stop.is_set():
            door.pass_through()
        door.tenancy.close()

    def read() -> None:
        door = Opened(tmp_path)
        door.tenancy._visit, door.tenancy._may_visit = lambda: door, view.exists
        leave, acquire = door.tenancy._leave, door.tenancy._lease.acquire
        leases = 0

        def counted(*arguments: Any, **options: Any) -> None:
            nonlocal leases
            leases += 1
            acquire(*arguments, **options)

        def left(door: Door) -> None:
            if not door.tenancy._lease.shared:
                view.touch()
            leave(door)

        door.tenancy._leave, door.tenancy._lease.acquire = left, counted  # type: ignore[method-assign]
        for _ in range(answers):
            before = leases
            door.pass_through(reads=True)
            rounds.append(leases - before)
            door.tenancy.close()

    stop = threading.Event()
    with ThreadPoolExecutor(7) as pool:
        writing = pool.submit(write, stop)
        try:
            for reading in [pool.submit(read) for _ in range(6)]:
                reading.result(timeout=60)
        finally:
            stop.set()
        writing.result()
    assert len(rounds) == 6 * answers
    assert max(rounds) <= 4
