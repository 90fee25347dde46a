"""Hits as an agent gets them: by file, overlaps joined, the lines that matter first, within a token budget. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from coderank.render import EXCERPT_LINES, place, query_terms, source_lines, telling_lines, visible
from coderank.serving.spans import Span, Standing
from coderank.serving.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


MAX_COLUMNS = 200
"""Where a line of an excerpt is cut: data in a line of code would eat the budget of every other hit."""


class Detail(StrEnum):
    """How much of each hit is shown."""

    PATHS = "paths"
    SIGNATURES = "signatures"
    SNIPPETS = "snippets"
    FULL = "full"


_LESS = (Detail.FULL, Detail.SNIPPETS, Detail.SIGNATURES)
"""What is tried in turn where a hit does not fit as wanted. Below a signature the next page serves better."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a file, and what is shown of them."""

    path: str
    """As the client can open it."""
    start_line: int
    end_line: int
    language: str
    symbol: str
    score: float
    standing: Standing
    text: str
    """Numbered lines, or with full detail the lines alone."""

    def fields(self) -> dict[str, Any]:
        """Describe the piece, without its file, as JSON; what is empty or as expected is left out."""
        given: dict[str, Any] = {"start_line": self.start_line, "end_line": self.end_line}
        given |= {"symbol": self.symbol} if self.symbol else {}
        given |= {"score": round(self.score, 3)}
        given |= {} if self.standing is Standing.CURRENT else {"standing": self.standing.value}
        return given | ({"text": self.text} if self.text else {})

    def lines(self) -> Iterator[str]:
        """Render the piece, without its file, as lines of text."""
        span = str(self.start_line) if self.end_line <= self.start_line else f"{self.start_line}-{self.end_line}"
        note = "" if self.standing is Standing.CURRENT else f"({self.standing.value})"
        yield "  ".join(part for part in (span, self.symbol, note) if part)
        if self.text:
            yield self.text


@dataclass(frozen=True, slots=True)
class Page:
    """What fits of a list of hits."""

    pieces: tuple[Piece, ...]
    """By file, files in the order of their best hit, pieces in the order of their lines."""
    taken: int
    """How many of the hits it stands for: the best ones."""

    def files(self) -> dict[str, list[Piece]]:
        """Give the pieces by path."""
        found: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            found.setdefault(piece.path, []).append(piece)
        return found

    def results(self) -> list[dict[str, Any]]:
        """Describe the page as JSON."""
        return [
            {"path": path, "language": pieces[0].language, "spans": [piece.fields() for piece in pieces]}
            for path, pieces in self.files().items()
        ]

    def text(self) -> str:
        """Render the page as text, a blank line between files."""
        blocks = (
            "\n".join([path, *(line for piece in pieces for line in piece.lines())])
            for path, pieces in self.files().items()
        )
        return "\n\n".join(blocks)


def lay_out(spans: Sequence[Span], query: str, detail: Detail, budget: int) -> Page:
    """Show the best hits within ``budget`` tokens, as text and as JSON alike, and at least one of them.

    A hit that does not fit as wanted is shown with less; the first that does not fit at all ends the page.
    """
    terms = query_terms(query)
    taken: list[_Shown] = []
    left = budget
    for span in spans:
        shown, cost = _fitting(span, terms, detail, left)
        if cost > left and taken:
            break
        taken.append(shown)
        left -= cost
    # Joining overlaps and sharing a path only makes it shorter.
    return Page(tuple(shown.piece or _piece(shown.span, terms, shown.level) for shown in _joined(taken)), len(taken))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A span, and how much of it is shown."""

    span: Span
    level: Detail
    piece: Piece | None
    """None where it has to be made anew: the span is one of several hits."""


def _fitting(span: Span, terms: Sequence[str], detail: Detail, left: int) -> tuple[_Shown, int]:
    """Show a span with the most detail that fits, and give the cost; where none fits, its place alone."""
    for level in _LESS[_LESS.index(detail) :] if detail in _LESS else ():
        piece = _piece(span, terms, level)
        cost = _cost(piece)
        if cost <= left:
            return _Shown(span, level, piece), cost
    piece = _piece(span, terms, Detail.PATHS)
    return _Shown(span, Detail.PATHS, piece), _cost(piece) if detail is Detail.PATHS else left + 1


def _cost(piece: Piece) -> int:
    """Tokens of a piece as JSON, which is the dearer of its two forms."""
    fields = {"path": piece.path, "language": piece.language, "spans": [piece.fields()]}
    return tokens(json.dumps(fields, ensure_ascii=False))


def _joined(taken: Sequence[_Shown]) -> list[_Shown]:
    """Put the hits of a file together, and join those that overlap or adjoin."""
    by_file: dict[tuple[str, str], list[_Shown]] = {}
    for shown in taken:
        by_file.setdefault((shown.span.hit.root, shown.span.hit.path), []).append(shown)
    return [one for group in by_file.values() for one in _joined_in_file(group)]


def _joined_in_file(group: Sequence[_Shown]) -> list[_Shown]:
    found: list[_Shown] = []
    for shown in sorted(group, key=lambda one: (one.span.hit.start_line, -one.span.hit.score)):
        if found and _adjoins(found[-1].span, shown.span) and found[-1].level is shown.level:
            found[-1] = _Shown(_union(found[-1].span, shown.span), shown.level, None)
        else:
            found.append(shown)
    return found


def _adjoins(first: Span, second: Span) -> bool:
    if Standing.LOST in (first.standing, second.standing):
        return False
    return second.hit.start_line <= first.hit.end_line + 1


def _union(first: Span, second: Span) -> Span:
    """One span of the lines of both, under the name and standing of the better one."""
    best = first if first.hit.score >= second.hit.score else second
    one, other = first.hit, second.hit
    fresh = other.content.split("\n")[max(0, one.end_line - other.start_line + 1) :]
    content = "\n".join([one.content, *fresh]) if fresh else one.content
    hit = replace(best.hit, start_line=one.start_line, end_line=max(one.end_line, other.end_line), content=content)
    return Span(hit, best.standing, first.hits + second.hits)


def _piece(span: Span, terms: Sequence[str], detail: Detail) -> Piece:
    hit = span.hit
    return Piece(
        path=place(hit),
        start_line=hit.start_line,
        end_line=hit.end_line,
        language=hit.language,
        symbol=visible(hit.symbol),
        score=hit.score,
        standing=span.standing,
        text=_text(span, terms, detail) if hit.content else "",
    )


def _text(span: Span, terms: Sequence[str], detail: Detail) -> str:
    lines = _lines(span, terms, detail)
    return "\n".join(lines if detail is Detail.FULL else map(_cut, lines))


def _lines(span: Span, terms: Sequence[str], detail: Detail) -> Iterable[str]:
    if detail is Detail.PATHS:
        return ()
    if detail is Detail.FULL:
        return source_lines(span.hit)
    shown = telling_lines(span.hit, terms, span.hits * (1 if detail is Detail.SIGNATURES else EXCERPT_LINES))
    width = len(str(shown[-1][0]))  # the numbers grow
    return _numbered(shown, width)


def _numbered(shown: Sequence[tuple[int, str]], width: int) -> Iterator[str]:
    """Write each line behind its number, and three dots where lines were left out."""
    following = shown[0][0]
    for number, line in shown:
        if number != following:
            yield f"{'...':>{width}}"
        yield f"{number:>{width}}  {line}".rstrip()
        following = number + 1


def _cut(line: str) -> str:
    beyond = len(line) - MAX_COLUMNS
    return line if beyond <= 0 else f"{line[:MAX_COLUMNS]}… (+{beyond:,} characters)"
