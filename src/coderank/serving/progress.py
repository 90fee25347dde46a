"""How far an index is, as one number that only grows and a few words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.types import IndexPhase

if TYPE_CHECKING:
    from coderank.types import Progress

_LISTING = 0.1
"""Share of the way that listing is taken for: reading takes ten times as long."""
_HALF_LISTED = 5_000
"""Files after which half of that share is gone: how many there will be is not known before the end."""


def fraction(progress: Progress) -> float:
    """Give the share of the way from 0 to 1."""
    if progress.phase is IndexPhase.SCAN:
        return _LISTING * progress.done / (progress.done + _HALF_LISTED)
    return _LISTING + (1 - _LISTING) * progress.done / max(1, progress.total)


def words(progress: Progress) -> str:
    """Say what is done."""
    match progress.phase:
        case IndexPhase.SCAN:
            return f"{progress.done:,} files listed"
        case IndexPhase.READ:
            return f"{progress.done:,} of {progress.total:,} changed files read"
        case IndexPhase.EMBED:
            return f"{progress.done:,} of {progress.total:,} chunks embedded"
