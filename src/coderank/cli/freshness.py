"""Brings an index up to date before it answers: words at once, vectors as far as patience goes, the rest behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.cli import background
from coderank.cli.progress import progress
from coderank.types import SearchMode

if TYPE_CHECKING:
    from coderank.engine import Engine
    from coderank.settings import Settings
    from coderank.types import IndexReport

_PATIENCE_S = 1.0
"""How long vectors may hold up an answer: what a person takes for a pause rather than for a wait."""
_INLINE_CHUNKS = 100
"""More than this is not tried within the patience: two cores embed about 100 chunks a second, so that an answer at
once, by words, is worth more than one late that still misses most vectors."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the caller asked for."""

    sync: bool = True
    wait: bool = False
    mode: str = SearchMode.HYBRID


def bring_up_to_date(engine: Engine, wanted: Freshness, settings: Settings) -> str:
    """Update the index as far as wanted, and say what happens to the vectors that are still missing."""
    by_hand = f"`coderank index {engine.arguments}` adds the rest"
    if not wanted.sync:
        return by_hand
    with progress() as listener:
        report = engine.index(on_progress=listener, refresh=False) if wanted.wait else engine.sync(on_progress=listener)
        pending = _pending(report)
        to_do = pending and not report.filled and wanted.mode != SearchMode.LEXICAL
        if to_do and pending <= _INLINE_CHUNKS:
            pending -= engine.fill(deadline=time.monotonic() + _PATIENCE_S, on_progress=listener)
    if pending <= 0:
        return ""
    if report.filled:
        return "the model refused the rest (`coderank doctor`)"
    if not to_do or not settings.background:
        return by_hand
    background.start(engine)
    return f"they fill in in the background (`coderank status {engine.arguments}`)"


def _pending(report: IndexReport) -> int:
    return round(report.chunks * (1 - report.dense_coverage))
