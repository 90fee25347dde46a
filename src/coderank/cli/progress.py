"""The progress bar: on a terminal's stderr only, and only when there is something to wait for."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar
    from rich.progress import Task, TaskID
    from rich.text import Text

    from coderank.migration.contract import Moving
    from coderank.types import Progress

_APPEARS_AFTER = 0.3
"""Seconds of work before a bar is drawn: below, it would only flicker, and importing rich would cost a fifth of it."""
_LINE_EVERY_S = 10.0
"""What a log of an hour's work can hold and still be read."""
_BAR_COLUMNS = 24
"""The whole line then fits 80 columns with six-digit counts."""
_LABELS = {"scan": "listing files", "read": "reading files", "embed": "embedding chunks"}


@dataclass(frozen=True, slots=True)
class Asking:
    """An event of questions that are asked one after the other: ``done`` of ``total`` searches."""

    done: int
    total: int
    phase: str = "searching"


@contextmanager
def told(name: str) -> Iterator[Callable[[Moving], None]]:
    """Yield a listener for work of minutes to hours: a bar on a terminal, else a line now and then on stderr."""
    with progress() as drawn:
        yield drawn or _Lines(name)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[Progress | Moving | Asking], None] | None]:
    """Yield a listener that draws a bar with rate and remaining time; None where nobody would see it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    listener = _Listener()
    try:
        yield listener
    finally:
        listener.stop()


class _Lines:
    """Writes a line when a phase begins, and every ten seconds while it lasts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._phase = ""
        self._written = 0.0

    def __call__(self, event: Moving) -> None:
        now = time.monotonic()
        if event.phase == self._phase and now - self._written < _LINE_EVERY_S:
            return
        self._phase, self._written = event.phase, now
        count = f", {event.done:,} of {event.total:,}" if event.total else ""
        sys.stderr.write(f"{self._name}: {event.phase}{count}\n")
        sys.stderr.flush()


class _Listener:
    """Draws the events of one run, one phase at a time."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Bar | None = None
        self._phase: str | None = None
        self._task: TaskID | None = None

    def __call__(self, event: Progress | Moving | Asking) -> None:
        if self._bar is None:
            if time.monotonic() - self._started < _APPEARS_AFTER:
                return
            self._bar = _new_bar()
            self._bar.start()
        self._draw(self._bar, event)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _draw(self, bar: Bar, event: Progress | Moving | Asking) -> None:
        total = event.total or None
        if self._task is None or event.phase is not self._phase:
            if self._task is not None:
                bar.remove_task(self._task)
            self._task = bar.add_task(_LABELS.get(event.phase, event.phase), total=total, completed=event.done)
            self._phase = event.phase
        bar.update(self._task, total=total, completed=event.done)


def _new_bar() -> Bar:
    """A bar that wipes itself when done, so that only the answer stays on the screen."""
    from rich.console import Console  # noqa: PLC0415 - 50 ms, paid only when a bar is drawn
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        """Files or chunks per second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")

    console = Console(stderr=True)
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(_BAR_COLUMNS),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=console.is_dumb_terminal,
    )
