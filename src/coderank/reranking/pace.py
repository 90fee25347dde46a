"""How fast a model turned out to be. Lives as long as the process."""

from __future__ import annotations

NEWEST = 0.3
"""Weight of the newest measurement: a machine that gets busy is noticed within three queries, one slow call is not."""


class Pace:
    """A running mean of milliseconds per unit of work. A race between threads loses one measurement at most."""

    def __init__(self) -> None:
        self._ms_per_unit: float | None = None

    @property
    def ms_per_unit(self) -> float | None:
        """Milliseconds for one unit; None before the first measurement."""
        return self._ms_per_unit

    def record(self, units: int, ms: float) -> None:
        """Take a measurement in; none where no work was done."""
        if units <= 0 or ms <= 0:
            return
        measured, known = ms / units, self._ms_per_unit
        self._ms_per_unit = measured if known is None else known + NEWEST * (measured - known)
