"""How much to embed at once, so that a deadline is met."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_S = 0.2
"""Longest planned step under a deadline: texts differ in length, and a step that takes twice as long as planned must
still end within 0.3 s of it."""
GROWTH = 4
"""Most a step may grow over the one before, which says little about the rate while the model warms up."""
UNHURRIED = 128
"""Texts in a step without a deadline: one to four seconds' work on 2 cores, which is what a kill loses and how often a
progress bar moves. Each step ends with a core that waits for the other, and with a write."""


class Pace:
    """Sizes steps by the rate of the last one; without a deadline all are of one size."""

    def __init__(self, deadline: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the deadline on the scale of ``clock``, in seconds."""
        self._deadline = deadline
        self._clock = clock
        self._size = 1

    def left(self) -> bool:
        """Tell whether there is time for another step."""
        return self._deadline is None or self._clock() < self._deadline

    def step(self, available: int) -> int:
        """Return how many of the texts to embed next, at least one."""
        return min(available, UNHURRIED if self._deadline is None else self._size)

    def record(self, texts: int, seconds: float) -> None:
        """Learn from a step that embedded ``texts`` texts."""
        if self._deadline is None:
            return
        seconds_left = min(STEP_S, max(0.0, self._deadline - self._clock()))
        affordable = int(texts / max(seconds, 1e-6) * seconds_left)
        self._size = max(1, min(affordable, texts * GROWTH))
