"""From the event loop of a door into a workspace's threads: admitted, bounded in number, and given up on demand."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from coderank.serving.follow import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from coderank.serving.gate import Gate
    from coderank.types import Progress

Result = TypeVar("Result")

THREADS = 4
"""Questions worked on at one time; the others wait in the order in which they came. The engine takes one after another
anyway, and more threads than cores only slow each other down."""


class Calls:
    """Runs the work of a door."""

    def __init__(self, gate: Gate, threads: int = THREADS) -> None:
        """Take the workspace's gate. To be made inside of the event loop that uses it."""
        self._gate = gate
        self._limiter = CapacityLimiter(threads)

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
                return work(Call(on_progress, given_up.is_set, asked))
            finally:
                ticket.leave()

        try:
            return await to_thread.run_sync(worked, abandon_on_cancel=True, limiter=self._limiter)
        finally:
            given_up.set()
            if not begun.is_set():
                ticket.leave()
