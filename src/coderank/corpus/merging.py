"""Joining neighbouring pieces of a file, so that chunks are neither crumbs nor mixtures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coderank.corpus.lines import Lines, Rows
from coderank.corpus.outline import Definition

# Neighbouring definitions are joined up to this size: larger ones stand alone, so that a chunk is about one thing.
TARGET_CHARS = 800
# Less than this says nothing by itself (a closing line, a class head): it joins a neighbour whatever that is.
CRUMB_CHARS = 80


def merge(pieces: Sequence[Rows], definitions: Sequence[Definition], lines: Lines, limit: int) -> list[Rows]:
    """Join neighbouring pieces of the same parent. Blank pieces vanish into a neighbour; a blank file gives none."""
    runs: list[Rows] = []
    parents: list[Definition | None] = []
    begun = {definition.start for definition in definitions}
    for rows, parent in zip(pieces, _parents(pieces, definitions, lines), strict=True):
        if runs and _joins(runs[-1], rows, lines, limit, same=parents[-1] is parent, begun=begun):
            runs[-1] = Rows(runs[-1].start, rows.end)
            if lines.weight(rows) > CRUMB_CHARS:
                parents[-1] = parent
        else:
            runs.append(rows)
            parents.append(parent)
    return [] if len(runs) == 1 and not lines.weight(runs[0]) else runs


def _joins(run: Rows, rows: Rows, lines: Lines, limit: int, *, same: bool, begun: set[int]) -> bool:
    before, after = lines.weight(run), lines.weight(rows)
    if not before or not after:
        return True
    if before + after > limit:
        return False
    if min(before, after) <= CRUMB_CHARS:
        return True
    if not same:
        return False
    defines = any(row in begun for row in range(rows.start, rows.end))
    return before + after <= (TARGET_CHARS if defines else limit)


def _parents(pieces: Sequence[Rows], definitions: Sequence[Definition], lines: Lines) -> Iterator[Definition | None]:
    """Find for each piece the innermost definition that is larger than the piece and holds all of it."""
    position, open_ = 0, list[Definition]()
    for rows in pieces:
        last = lines.last_full(rows)
        while position < len(definitions) and definitions[position].start <= rows.start:
            open_.append(definitions[position])
            position += 1
        open_ = [definition for definition in open_ if definition.end >= rows.start]
        yield next((d for d in reversed(open_) if d.end >= last and (d.start < rows.start or d.end > last)), None)
