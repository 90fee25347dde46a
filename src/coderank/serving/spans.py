"""Hits as their files stand now: each is compared with its file before anybody sees it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.types import Hit


class Standing(StrEnum):
    """How what is shown stands to what was indexed."""

    CURRENT = "current"
    MOVED = "moved"
    """The same text, on other lines: those of now are given."""
    CHANGED = "changed"
    """Another text: that of now is given, from the line that still is the definition."""
    LOST = "changed, not found again"
    """The file is there, what was found in it is not: no text is given."""


@dataclass(frozen=True, slots=True)
class Span:
    """A hit whose lines and text are those of its file now."""

    hit: Hit
    standing: Standing = Standing.CURRENT
    hits: int = 1
    """How many hits it joins."""
    rank: int = 0
    """Its place in the list of hits."""


def checked(hit: Hit, text: str | Skip | None) -> Span | None:
    """Compare a hit with its file's text; None if the file is gone or is not to be read any more.

    ``text`` is None where no file stands behind the hit, so that what was indexed is all there is.
    """
    if text is None:
        return Span(hit)
    if isinstance(text, Skip):
        return None
    if _stands(hit, text):
        return Span(hit)
    return _found_again(hit, text.split("\n"), hit.content.split("\n"))


def _found_again(hit: Hit, now: Sequence[str], then: Sequence[str]) -> Span:
    """Look for the lines of a hit among those of its file, whose first look-alike did not stand at its place."""
    start = hit.start_line - 1
    if now[start : start + len(then)] == then:
        return Span(hit)
    moved = _nearest(_runs(now, then), start)
    if moved is not None:
        return Span(_lines(hit, now, moved, moved + len(then)), Standing.MOVED)
    anchor = _definition(then, hit.symbol)
    if anchor is not None:
        found = _nearest([number for number, line in enumerate(now) if line.strip() == then[anchor].strip()], start)
        if found is not None:
            first = max(0, found - anchor)
            return Span(_lines(hit, now, first, min(len(now), first + len(then))), Standing.CHANGED)
    return Span(replace(hit, content=""), Standing.LOST)


def _stands(hit: Hit, text: str) -> bool:
    """Tell whether the first place in a text that reads as the hit does is the hit's: nearly always, and soon known."""
    at = text.find(hit.content)
    end = at + len(hit.content)
    whole_lines = at >= 0 and text[at - 1 : at] in ("", "\n") and text[end : end + 1] in ("", "\n")
    return whole_lines and text.count("\n", 0, at) == hit.start_line - 1


def _runs(now: Sequence[str], then: Sequence[str]) -> list[int]:
    """Where the lines of ``then`` follow one another in ``now``."""
    last = len(now) - len(then)
    return [at for at in range(last + 1) if now[at] == then[0] and list(now[at : at + len(then)]) == list(then)]


def _nearest(places: Sequence[int], to: int) -> int | None:
    return min(places, key=lambda place: (abs(place - to), place), default=None)


def _definition(lines: Sequence[str], symbol: str) -> int | None:
    """The line that names the last part of a symbol; the first with a letter where there is no symbol."""
    name = re.split(r"[.:#/\s]+", symbol)[-1]
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)" if name else r"[^\W\d_]")
    return next((number for number, line in enumerate(lines) if whole.search(line)), None)


def _lines(hit: Hit, now: Sequence[str], start: int, end: int) -> Hit:
    return replace(hit, start_line=start + 1, end_line=end, content="\n".join(now[start:end]))
