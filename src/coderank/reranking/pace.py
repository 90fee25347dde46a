"""How fast a model turned out to be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.reranking.memory import Entry

NEWEST = 0.3
"""Weight of the newest measurement: a machine that gets busy is noticed within three queries, one slow call is not."""
STALE_S = 600.0
"""Age at which a measurement no longer keeps a model from being tried: what was busy then may be idle now."""


class Pace:
    """A running mean of milliseconds per unit of work. A race between threads loses one measurement at most."""

    def __init__(self, entry: Entry | None = None, now: Callable[[], float] = time.time) -> None:
        """Begin with what another process measured, where there is an ``entry`` to keep it."""
        known = entry.known if entry else None
        self._entry = entry
        self._now = entry.now if entry else now
        self._ms_per_unit = known.ms_per_unit if known and known.ms_per_unit > 0 else None
        self._at = known.measured_at if known else 0.0

    @property
    def ms_per_unit(self) -> float | None:
        """Milliseconds for one unit; None before the first measurement."""
        return self._ms_per_unit

    @property
    def is_stale(self) -> bool:
        """Whether the last measurement is old."""
        return not 0 <= self._now() - self._at < STALE_S

    def record(self, units: int, ms: float) -> None:
        """Take a measurement in; none where no work was done."""
        if units <= 0 or ms <= 0:
            return
        measured, known = ms / units, self._ms_per_unit
        mean = measured if known is None or self.is_stale else known + NEWEST * (measured - known)
        self._ms_per_unit, self._at = mean, self._now()
        if self._entry:
            self._entry.measured(mean)
