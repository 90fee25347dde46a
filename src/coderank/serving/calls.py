"""From the event loop of a door into a workspace's threads: admitted, few at work, and given up on demand."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from coderank.serving.follow import Call, CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from coderank.serving.gate import Gate
    from coderank.types import Progress

Result = TypeVar("Result")

THREADS = 4
"""Questions worked on at one time; the others wait in the order in which they came. The engine takes one after another
anyway, and more threads than cores only slow each other down. Who waits for an index is not at work, and may be one of
as many as the gate lets in: the first index of one folder holds up no question about another."""


class Calls:
    """Runs the work of a door."""

    def __init__(self, gate: Gate, threads: int = THREADS) -> None:
        """Take the workspace's gate. To be made inside of the event loop that uses it."""
        self._gate = gate
        self._places = Places(threads)
        self._limiter = CapacityLimiter(math.inf)  # the gate counts them

    async def run(
        self, work: Callable[[Call], Result], tell: Callable[[Progress], Coroutine[Any, Any, None]] | None = None
    ) -> Result:
        """Do it in a thread, and tell of its progress in this loop.

        Who is cancelled does not wait for the thread, which notices it at its next step and holds its place until
        then. Raises OverloadedError, and what the work raises.
        """
        asked = time.monotonic()
        ticket = self._gate.enter()
        begun, given_up = threading.Event(), threading.Event()

        def on_progress(progress: Progress) -> None:
            if tell is not None and not given_up.is_set():
                from_thread.run(tell, progress)

        def worked() -> Result:
            begun.set()
            try:
                with self._places.taken():
                    if given_up.is_set():
                        raise CancelledError
                    return work(Call(on_progress, given_up.is_set, asked, self._places.left))
            finally:
                ticket.leave()

        try:
            return await to_thread.run_sync(worked, abandon_on_cancel=True, limiter=self._limiter)
        finally:
            given_up.set()
            if not begun.is_set():
                ticket.leave()


class Places:
    """So many may work at one time. Who waits for a place gets it in the order in which he came."""

    def __init__(self, number: int) -> None:
        """Take how many there are."""
        self._free = number
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Work at a place."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the own place while something is waited for. Who comes back is the next: he has waited already."""
        self._give_back()
        try:
            yield
        finally:
            self._take(first=True)

    def _take(self, *, first: bool = False) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            if first:
                self._waiting.appendleft(turn)
            else:
                self._waiting.append(turn)
        turn.wait()

    def _give_back(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
