"""From the loop into threads: admitted, few at a time, in order, and given up on demand."""

from __future__ import annotations

import threading
import time

import anyio
import pytest

from coderank.serving.calls import Calls
from coderank.serving.follow import Call, CancelledError
from coderank.serving.gate import Gate, OverloadedError
from coderank.types import IndexPhase, Progress


def test_the_answer_comes_back_and_so_does_an_error() -> None:
    async def use() -> None:
        calls = Calls(Gate())
        assert await calls.run(lambda _: threading.current_thread().name) != threading.current_thread().name
        with pytest.raises(ZeroDivisionError):
            await calls.run(lambda _: 1 // 0)

    anyio.run(use)


def test_a_few_at_a_time_in_the_order_they_came() -> None:
    running: list[int] = []
    most: list[int] = []
    order: list[int] = []
    begun = [threading.Event() for _ in range(12)]

    def work(number: int) -> None:
        running.append(number)
        order.append(number)
        most.append(len(running))
        begun[number].set()
        begun[max(0, number - 1)].wait(30)  # a thread that is slow to begin must not be passed twice
        time.sleep(0.01)
        running.remove(number)

    async def use() -> None:
        calls = Calls(Gate(), threads=2)
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(calls.run, lambda _, number=number: work(number))
                while len(order) + len(calls._places._waiting) <= number:  # until its thread is there
                    await anyio.sleep(0.001)

    anyio.run(use)
    assert max(most) <= 2
    assert sorted(order) == list(range(12))
    assert all(abs(number - place) <= 1 for place, number in enumerate(order))


def test_who_waits_for_an_index_holds_up_nobody_and_is_the_next_when_it_is_there() -> None:
    ready, asked = threading.Event(), threading.Event()
    order: list[str] = []

    def waits(call: Call) -> None:
        with call.waiting():
            asked.set()
            ready.wait(30)
        order.append("waited")

    def works(_: Call) -> None:
        order.append("worked")
        ready.set()
        time.sleep(0.05)

    async def use() -> None:
        calls = Calls(Gate(), threads=1)
        async with anyio.create_task_group() as group:
            group.start_soon(calls.run, waits)
            await anyio.to_thread.run_sync(asked.wait, 30)
            for _ in range(3):
                group.start_soon(calls.run, works)

    anyio.run(use)
    assert order == ["worked", "waited", "worked", "worked"]


def test_too_many_are_turned_away_with_what_to_do() -> None:
    let = threading.Event()

    async def use() -> None:
        gate = Gate(2)
        calls = Calls(gate)
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(calls.run, lambda _: let.wait(10))
            await anyio.sleep(0.05)
            with pytest.raises(OverloadedError, match="Ask again in 2 seconds"):
                await calls.run(lambda _: None)
            let.set()
        assert (gate.in_flight, gate.shed) == (0, 1)

    anyio.run(use)


def test_who_is_cancelled_does_not_wait_and_the_work_notices() -> None:
    noticed = threading.Event()

    def work(call: Call) -> None:
        try:
            for _ in range(1_000):
                call.check()
                time.sleep(0.01)
        except CancelledError:
            noticed.set()

    async def use() -> None:
        gate = Gate()
        calls = Calls(gate, threads=1)
        begun = time.monotonic()
        with anyio.move_on_after(0.1):
            async with anyio.create_task_group() as group:
                group.start_soon(calls.run, work)
                group.start_soon(calls.run, work)  # never begins: there is one thread
        assert time.monotonic() - begun < 5
        await anyio.to_thread.run_sync(noticed.wait, 10)
        deadline = time.monotonic() + 10
        while gate.in_flight and time.monotonic() < deadline:
            await anyio.sleep(0.01)
        assert gate.in_flight == 0

    anyio.run(use)
    assert noticed.is_set()


def test_progress_is_told_in_the_loop() -> None:
    heard: list[tuple[Progress, str]] = []
    step = Progress(IndexPhase.READ, 1, 2)

    async def tell(progress: Progress) -> None:
        heard.append((progress, threading.current_thread().name))

    async def use() -> None:
        await Calls(Gate()).run(lambda call: call.on_progress(step), tell)

    anyio.run(use)
    assert heard == [(step, threading.current_thread().name)]
