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


_NO_SCOPE = re.compile(r"\s*(?:[()\[\]{}<>#/*]|(?:public|private|protected)\b[\w\s]*:|$)")
"""Begins no definition, though it may stand further left than what is within one: brackets, comments, labels."""
_GENERIC = re.compile(r"<[^<>]*>")
_DERIVED = re.compile(r"\(|(?<!:):(?!:)|<|\b(?:extends|implements|with)\b")
"""What a definition has before the names of those that it is derived from."""


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
    outer, name = _parts(hit.symbol)
    anchor = _definition(then, name)
    if anchor is not None:
        found = _nearest(_definitions(now, then[anchor], outer, name), start)
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


def _parts(symbol: str) -> tuple[str, str]:
    """Split off the last part of a symbol, and give it with the one that it is in: names of code, or headings."""
    parts = symbol.split(" > ") if " > " in symbol else re.split(r"[.:#/\s]+", symbol)
    return parts[-2] if len(parts) > 1 else "", parts[-1]


def _definition(lines: Sequence[str], name: str) -> int | None:
    """The line that has a name; the first with a letter where there is none."""
    whole = _whole(name) if name else re.compile(r"[^\W\d_]")
    return next((number for number, line in enumerate(lines) if whole.search(line)), None)


def _definitions(now: Sequence[str], line: str, outer: str, name: str) -> list[int]:
    """Where a line still is the definition that it was: others, in another type or section, often begin as it does."""
    places = [number for number, other in enumerate(now) if other.strip() == line.strip()]
    if not name:
        return places if len(places) == 1 else []
    if not outer:
        return [place for place in places if _depth(now[place]) <= _depth(line)]
    if _whole(outer).search(line):
        return places
    # Below a namespace nothing is indented, nor in most data.
    is_flat = len(places) == 1 and not _depth(line) + _depth(now[places[0]])
    if is_flat and any(_names(above, outer) for above in now[: places[0]] if not _depth(above)) and not _level(line):
        return places
    return _below(now, line, outer)


def _below(now: Sequence[str], line: str, outer: str) -> list[int]:
    """Where a line is below one that names the outer part, by indentation or as headings are."""
    is_heading = _level(line) > 0
    found: list[int] = []
    above: list[tuple[int, str]] = []
    for number, other in enumerate(now):
        depth = _level(other) if is_heading else _depth(other)
        if is_heading and not depth:
            continue
        if other.strip() == line.strip() and any(its < depth and _names(text, outer) for its, text in above):
            found.append(number)
        if is_heading or not _NO_SCOPE.match(other):
            while above and above[-1][0] >= depth:
                above.pop()
            above.append((depth, other))
    return found


def _names(line: str, name: str) -> bool:
    """Tell whether a line is the definition of a name, rather than that of what is derived from it."""
    if _level(line):
        return _whole(name).search(line) is not None
    found = _whole(name).search(_GENERIC.sub("", line))
    return found is not None and not _DERIVED.search(found.string, 0, found.start())


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _level(line: str) -> int:
    """How deep a heading of Markdown is; 0 for another line."""
    found = re.match(r"(#{1,6})\s", line)
    return len(found[1]) if found else 0


def _lines(hit: Hit, now: Sequence[str], start: int, end: int) -> Hit:
    return replace(hit, start_line=start + 1, end_line=end, content="\n".join(now[start:end]))
