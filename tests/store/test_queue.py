from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from filelock import Timeout

from coderank.store.queue import FOLDER, Queue, file_lock

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[[str, Path, int], subprocess.Popen[str]]

PATIENT = 30.0
"""Seconds: a busy machine must not fail a test."""


def soon(seconds: float = PATIENT) -> float:
    return time.monotonic() + seconds


def until(true: Callable[[], bool]) -> None:
    end = soon()
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_turns_come_in_the_order_of_coming(tmp_path: Path) -> None:
    order: list[int] = []

    def come(number: int) -> None:
        with Queue(tmp_path).turn(reads=False, until=soon()):
            order.append(number)

    threads = []
    with Queue(tmp_path).turn(reads=False, until=soon()):
        for number in range(12):
            threads.append(threading.Thread(target=come, args=(number,)))
            threads[-1].start()
            until(lambda: len(list((tmp_path / FOLDER).iterdir())) == len(threads) + 1)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == list(range(12))
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_who_only_reads_goes_beside_those_that_read_and_after_those_that_write(tmp_path: Path) -> None:
    with ExitStack() as first:
        for _ in range(3):
            first.enter_context(Queue(tmp_path).turn(reads=True, until=soon()))
        with pytest.raises(Timeout), Queue(tmp_path).turn(reads=False, until=soon(0.05)):
            pass
        writing = threading.Thread(target=lambda: first.close() if written.wait(PATIENT) else None)
        written = threading.Event()
        writing.start()
        written.set()
        with (
            Queue(tmp_path).turn(reads=False, until=soon()),
            pytest.raises(Timeout),
            Queue(tmp_path).turn(reads=True, until=soon(0.05)),
        ):
            pass
        writing.join()


def test_the_line_says_who_waits(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    assert not queue.waits(to_write=False)
    with Queue(tmp_path).turn(reads=True, until=soon()):
        assert queue.waits(to_write=False)
        assert not queue.waits(to_write=True)
    with Queue(tmp_path).turn(reads=False, until=soon()):
        assert queue.waits(to_write=True)
    assert not queue.waits(to_write=False)


def test_the_turn_of_a_killed_process_passes_on(tmp_path: Path, start: Start) -> None:
    with Queue(tmp_path).turn(reads=False, until=soon()):
        waiting = start("wait", tmp_path, 60)
        until(lambda: len(list((tmp_path / FOLDER).iterdir())) == 2)
        behind = threading.Thread(target=lambda: Queue(tmp_path).turn(reads=False, until=soon()).__enter__())
        behind.start()
        until(lambda: len(list((tmp_path / FOLDER).iterdir())) == 3)
        waiting.kill()
        waiting.wait()
    behind.join(PATIENT)
    assert not behind.is_alive()


def test_what_others_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "000000001-else").touch()
    with Queue(tmp_path).turn(reads=False, until=soon(0.5)):
        pass
    assert [file.name for file in (tmp_path / FOLDER).iterdir()] == ["000000001-else"]


def test_who_finds_no_room_for_a_ticket_waits_without_one(tmp_path: Path) -> None:
    (tmp_path / FOLDER).touch()
    with Queue(tmp_path).turn(reads=False, until=soon(0.5)):
        assert not Queue(tmp_path).waits(to_write=False)


def test_a_process_that_was_stopped_in_the_line_does_not_hold_up_who_leaves_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    with queue.turn(reads=False, until=soon()):
        stopped = file_lock(tmp_path / "queue.lock")
        stopped.acquire()
    assert Queue(tmp_path).waits(to_write=False)  # it cannot be told, so it is taken for yes
    stopped.release()
    assert not Queue(tmp_path).waits(to_write=False)
