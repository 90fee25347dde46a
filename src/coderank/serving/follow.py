"""Keeps one index up with its tree while questions come in: one sync at a time, which all who wait for it share."""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.errors import CoderankError
from coderank.types import IndexPhase

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from coderank.types import Progress

TELL_S = 0.1
"""How often who waits hears of progress: as smooth as a bar needs to be."""


class CancelledError(CoderankError):
    """Whoever asked does not want the answer any more."""

    def __init__(self) -> None:
        super().__init__("The request was cancelled")


@dataclass(frozen=True, slots=True)
class Call:
    """The request that something is done for."""

    on_progress: Callable[[Progress], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    asked: float = math.inf
    """When it came in, on the clock of time.monotonic; infinite for now."""
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    """What to wait in, so that others can work meanwhile."""

    def check(self) -> None:
        """Raise CancelledError if nobody wants the answer any more."""
        if self.cancelled():
            raise CancelledError


NOBODY = Call()
"""A request without progress and cancellation."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How the index stands to the tree."""

    current: bool
    """Whether it has everything that was in the tree when the question came in."""
    detail: str = ""
    """Otherwise: why not, and what happens next."""
    error: CoderankError | None = None
    """What kept it from taking the changes in."""


class Follower:
    """Runs a sync for those who need one that begins after they asked, in a thread of its own.

    A sync that ran already when a question came in may have missed the change that the question is about, so that it
    does not count; but all questions that come in meanwhile share the next one, also those that wait for a thread.
    """

    def __init__(self, sync: Callable[[Callable[[Progress], None]], object], name: str) -> None:
        """Take what brings the index up to date, and what to call the tree."""
        self._sync = sync
        self._name = name
        self._change = threading.Condition()
        self._wanted = self._begun = self._done = 0
        self._begun_at = -math.inf
        self._running = False
        self._error: BaseException | None = None
        self._progress: Progress | None = None

    @property
    def progress(self) -> Progress | None:
        """How far the sync that runs now has come; None where none runs."""
        return self._progress if self._running else None

    @property
    def running(self) -> int:
        """Number of the sync that runs now; 0 where none runs."""
        return self._begun if self._running else 0

    def begin(self, asked: float = math.inf) -> int:
        """Ask for a sync that begins from now on, or began after ``asked`` already, and return its number."""
        with self._change:
            if self._begun_at >= asked:
                return self._begun
            self._wanted = self._begun + 1
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="coderank-sync", daemon=True).start()
            return self._wanted

    def wait(self, ticket: int, patience: float, call: Call = NOBODY) -> Freshness:
        """Wait up to ``patience`` seconds for a sync by its number. Raises CancelledError."""
        with self._change:
            if self._done >= ticket or patience <= 0:
                return self._state(ticket)
        with call.waiting():
            return self._waited(ticket, time.monotonic() + patience, call)

    def _waited(self, ticket: int, deadline: float, call: Call) -> Freshness:
        while True:
            with self._change:
                left = deadline - time.monotonic()
                if self._done >= ticket or left <= 0:
                    return self._state(ticket)
                self._change.wait(min(left, TELL_S))
                progress = self._progress if self._done < ticket else None
            # Without the lock: who hears slowly, across a network, may hold up nobody else.
            call.check()
            if progress is not None:
                call.on_progress(progress)

    def _state(self, ticket: int) -> Freshness:
        if self._done < ticket:
            return Freshness(current=False, detail=f"{self._name} is still being read{self._so_far()}")
        if self._error is None:
            return Freshness(current=True)
        if isinstance(self._error, CoderankError):
            detail = f"changes of {self._name} could not be taken in: {self._error.message}"
            return Freshness(current=False, detail=detail, error=self._error)
        raise self._error

    def _so_far(self) -> str:
        progress = self._progress
        if progress is None:
            return ""
        if progress.phase == IndexPhase.SCAN:
            return f" ({progress.done:,} files listed)"
        return f" ({progress.done:,} of {progress.total:,} changed files)"

    def _run(self) -> None:
        while True:
            with self._change:
                if self._begun >= self._wanted:
                    self._running = False
                    return
                self._begun += 1
                self._begun_at = time.monotonic()
            error = self._once()
            with self._change:
                self._error, self._progress = error, None
                self._done = self._begun
                self._change.notify_all()

    def _once(self) -> BaseException | None:
        try:
            self._sync(self._tell)
        except Exception as error:  # noqa: BLE001 - a thread's boundary: raised again where somebody waits
            return error
        return None

    def _tell(self, progress: Progress) -> None:
        self._progress = progress
