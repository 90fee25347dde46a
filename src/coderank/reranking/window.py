"""Which windows of a list are ranked, in which order, and how their answers make one order. Pure.

A strategy is a generator: it yields the windows that can be asked at once, is sent each of them in its new order, and
returns the order of the whole list. An asker that has no answer sends a window back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

WINDOW = 10
"""Passages in one prompt: what CodeRankLLM was trained and evaluated with."""
STEP = 5
"""Distance between two windows of ``sliding``: the authors' evaluation."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to ask."""

    order: tuple[int, ...]
    """The whole list as it is ordered up to here: what remains if nothing more is asked."""
    windows: tuple[tuple[int, ...], ...]
    """Positions of the passages of each window; they do not overlap and may be asked at once."""


Ranked: TypeAlias = Sequence[Sequence[int]]
"""The windows of a step, each in its new order."""
Plan: TypeAlias = Generator[Step, Ranked, tuple[int, ...]]
Strategy: TypeAlias = Callable[[int], Plan]
"""From the number of passages to a plan."""


def sliding(passages: int, window: int = WINDOW, step: int = STEP) -> Plan:
    """Slide a window from the back to the front, as the authors do: 19 calls in sequence for 100 passages.

    With a perfect judge the best ``window - step`` passages come out in front, in their true order.
    """
    order = list(range(passages))
    end, start = passages, passages - window
    # A window that would start a step before the front was part of the last one. Of a list of just ``window - step``
    # it is the first one, which the authors' loop leaves out.
    while end > 1 and (start + step != 0 or end == passages):
        start = max(start, 0)
        (ranked,) = yield Step(tuple(order), (tuple(order[start:end]),))
        order[start:end] = ranked
        start, end = start - step, end - step
    return tuple(order)


def topdown(passages: int, window: int = WINDOW) -> Plan:
    """Hold a knock-out: windows ranked at once, their better halves play on, until one window is left.

    100 passages take 21 calls in 5 rounds. With a perfect judge the best ``window // 2`` passages come out in front,
    in their true order. Passages are dealt like cards, so that the first ones of the retrieval seldom meet early.
    """
    alive, out = list(range(passages)), list[int]()
    while len(alive) > window:
        tables = -(-len(alive) // window)
        windows = tuple(tuple(alive[table::tables]) for table in range(tables))
        ranked = yield Step((*alive, *out), windows)
        half = window // 2
        out = _interleaved([each[half:] for each in ranked]) + out
        alive = _interleaved([each[:half] for each in ranked])
    if len(alive) > 1:
        (final,) = yield Step((*alive, *out), (tuple(alive),))
        alive = list(final)
    return (*alive, *out)


def rounds(strategy: Strategy, passages: int) -> list[int]:
    """Count the windows of each step for a list of so many passages."""
    plan, counts = strategy(passages), list[int]()
    try:
        step = next(plan)
        while True:
            counts.append(len(step.windows))
            step = plan.send(step.windows)
    except StopIteration:
        return counts


def _interleaved(lists: Ranked) -> list[int]:
    """Join lists by rank: the first of each, then the second of each."""
    return [entry for rank in zip_longest(*lists) for entry in rank if entry is not None]
