"""What happens behind a server where something fails: it is said once, tried ever more rarely, and stops nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.small_tree import QUESTION, write_tree

from coderank import Engine
from coderank.errors import CoderankError
from coderank.serving import caretaker
from coderank.serving.targets import folders
from coderank.serving.workspace import Question, Workspace
from coderank.settings import Settings

IDLE_S = 3.0


@pytest.fixture
def both(repo: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Two folders, looked after in fractions of a second."""
    monkeypatch.setattr(caretaker, "RETRY_S", 0.05)
    other = write_tree(tmp_path / "zoo", {"lion.py": "def lion_roars():\n    return 'loud'\n"})
    targets = folders([str(repo), str(other)], settings)
    opened = Workspace(targets, tuple(targets), idle_s=IDLE_S)
    yield opened
    opened.close()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[float]:
    """Let vectors of `repo` fail, and tell when it was tried."""
    tries: list[float] = []
    real = Engine.fill

    def fill(engine: Engine, **arguments: object) -> int:
        if engine.root.name != "repo":
            return real(engine, **arguments)  # type: ignore[arg-type]
        tries.append(time.monotonic())
        raise error

    monkeypatch.setattr(Engine, "fill", fill)
    return tries


@pytest.mark.parametrize("error", [CoderankError("no model"), ZeroDivisionError("by nobody foreseen")])
def test_a_failure_is_said_once_and_keeps_nothing_open_and_nobody_else_from_being_filled(
    both: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    tries = failing(monkeypatch, error)
    with caplog.at_level(logging.WARNING, "coderank"):
        parts = {part.kept.target.name: part.kept for part in both.search(Question(QUESTION)).parts}
        until(lambda: len(tries) >= 3)
        until(lambda: parts["zoo"].seen and parts["zoo"].seen.dense_coverage == 1)
    assert isinstance(parts["repo"].failure, CoderankError)
    assert str(error) in str(parts["repo"].failure)
    assert parts["zoo"].failure is None
    assert len([record for record in caplog.records if record.name == "coderank.serving.caretaker"]) == 1
    assert tries[2] - tries[1] > 0.09  # twice the first wait
    until(lambda: not parts["repo"].opened)
    tried = len(tries)
    time.sleep(0.5)
    assert len(tries) == tried
    assert not parts["repo"].opened


def test_to_be_watched_keeps_nothing_open(both: Workspace) -> None:
    begun = time.monotonic()
    parts = both.search(Question(QUESTION)).parts
    until(lambda: all(part.kept.seen and part.kept.seen.dense_coverage == 1 for part in parts))
    closed: list[float] = []

    def looked() -> bool:
        opened = [part.kept.opened for part in parts]
        if not any(opened):
            closed.append(time.monotonic())
        both.states()
        return bool(closed)

    until(looked)
    assert closed[0] - begun < 30


def test_a_failure_of_the_looking_after_itself_does_not_end_it(
    both: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Engine.close
    failures: list[Engine] = []

    def close(engine: Engine) -> None:
        real(engine)
        if len(failures) < 1:
            failures.append(engine)
            raise OSError("disk is gone")

    monkeypatch.setattr(Engine, "close", close)
    parts = both.search(Question(QUESTION)).parts
    until(lambda: failures)
    until(lambda: not any(part.kept.opened for part in parts))
    assert "Cannot look after the indexes" in caplog.text
