"""Joining neighbouring pieces of a file, so that chunks are neither crumbs nor mixtures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.corpus.lines import Lines, Rows
    from coderank.corpus.outline import Definition

# A chunk holds at most this many characters, indentation not counted: about 500 tokens of code, what the embedding
# model reads without cutting.
MAX_CHARS = 1600
# Neighbouring definitions are joined up to this size: larger ones stand alone, so that a chunk is about one thing.
TARGET_CHARS = 800
# Less than this says nothing by itself (a closing line, a class head): it joins a neighbour whatever that is.
CRUMB_CHARS = 100
# The parts of a long function are made about equal; statements do not divide evenly, so each may be this much larger.
_EVEN_SLACK = 1.15


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring pieces on their way to a chunk."""

    rows: Rows
    weight: int
    parent: Definition | None
    defines: bool
    """A definition starts in it."""
    opens: bool
    """A definition starts in it and goes on after it: the head of what follows."""


def merge(pieces: Sequence[Rows], definitions: Sequence[Definition], lines: Lines, limit: int) -> list[Rows]:
    """Join neighbouring pieces of one parent. Blank pieces vanish into a neighbour; a blank file gives none.

    A run exceeds ``limit`` characters by no more than a crumb, unless one line does so by itself.
    """
    runs: list[_Run] = []
    for run, budget in _budgets(_runs(pieces, definitions, lines), limit):
        if runs and _joins(runs[-1], run, budget, limit):
            runs[-1] = _join(runs[-1], run)
        else:
            runs.append(run)
    return [run.rows for run in runs] if any(run.weight for run in runs) else []


def _joins(before: _Run, after: _Run, budget: int, limit: int) -> bool:
    if not before.weight or not after.weight:
        return True
    return before.weight + after.weight <= _room(before, after, budget, limit)


def _room(before: _Run, after: _Run, budget: int, limit: int) -> int:
    """Return how large two runs may become when joined; 0 keeps them apart."""
    if before.weight <= CRUMB_CHARS or (after.weight <= CRUMB_CHARS and not after.defines):
        return limit + CRUMB_CHARS
    if after.opens:
        is_preamble = before.parent is None and not before.defines
        return TARGET_CHARS if is_preamble else 0
    if before.parent is not after.parent:
        return 0
    return TARGET_CHARS if after.defines else budget


def _join(before: _Run, after: _Run) -> _Run:
    rows = before.rows._replace(end=after.rows.end)
    main = after if before.weight <= CRUMB_CHARS else before
    return replace(
        after,
        rows=rows,
        weight=before.weight + after.weight,
        parent=main.parent,
        defines=before.defines or after.defines,
    )


def _budgets(runs: Sequence[_Run], limit: int) -> Iterator[tuple[_Run, int]]:
    """Give each run the size at which the statements around it, of the same parent, come out even."""
    start = 0
    while start < len(runs):
        end = start + 1
        while end < len(runs) and runs[end].parent is runs[start].parent and not runs[end].defines:
            end += 1
        total = sum(run.weight for run in runs[start:end])
        even = ceil(total / ceil(total / limit) * _EVEN_SLACK) if total else limit
        yield from ((run, min(even, limit)) for run in runs[start:end])
        start = end


def _runs(pieces: Sequence[Rows], definitions: Sequence[Definition], lines: Lines) -> list[_Run]:
    """Find for each piece its parent: the innermost definition that is larger than the piece and holds all of it."""
    runs: list[_Run] = []
    around: list[Definition] = []
    position = 0
    for rows in pieces:
        last = lines.last_full(rows)
        first = position
        while position < len(definitions) and definitions[position].start < rows.end:
            position += 1
        starting = definitions[first:position]
        around = [definition for definition in around if definition.end >= rows.start]
        heads = [definition for definition in starting if definition.end > last]
        holders = [definition for definition in around if definition.end >= last]
        holders += [definition for definition in heads if definition.lead <= rows.start]
        parent = holders[-1] if holders else None
        runs.append(_Run(rows, lines.weight(rows), parent, bool(starting), bool(heads)))
        around += heads
    return runs
