"""Killed, interrupted, crowded: the next command goes on where the last one was, and nobody waits for the dead."""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest
from tests.e2e.conftest import QUESTION, Machine

from coderank.loading.choice import bundled_model

FILES = 20


@pytest.fixture
def larger(machine: Machine) -> Machine:
    """Enough that an index takes a moment to build."""
    for number in range(FILES):
        body = f"def task_{number}(queue):\n    return queue.take({number})\n"
        (machine.repo / f"many_{number}.py").write_text(body)
    return machine


def check_whole(machine: Machine) -> None:
    done = machine.run("search", QUESTION, "--wait", "--format", "json")
    assert (done.code, done.err) == (0, "")
    answer = json.loads(done.out)
    expected = {"model": bundled_model(), "chunks": FILES + 3, "dense_coverage": 1.0, "tier": "dense"}
    assert answer["index"] == expected
    assert answer["results"][0]["symbol"] == "RingBuffer"


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_a_killed_run_is_continued(larger: Machine, seconds: float) -> None:
    process = larger.start("index")
    time.sleep(seconds)
    process.kill()
    process.communicate()
    check_whole(larger)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_run_ends_at_once_and_says_so(larger: Machine) -> None:
    process = larger.start("index")
    while not (larger.base / "data").exists():  # it has begun, and is past what Python itself does at its start
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.decode().strip() == "coderank: interrupted"
    check_whole(larger)


def test_many_at_once_on_a_new_repository(larger: Machine) -> None:
    crowd = [larger.start("index"), *(larger.start("search", QUESTION) for _ in range(4))]
    for process in crowd:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out
    check_whole(larger)
