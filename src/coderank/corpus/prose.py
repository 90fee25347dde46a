"""Chunks of prose: one section of a Markdown or reStructuredText file, with the headings it stands under."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from coderank.corpus.lines import Lines, Rows, windows
from coderank.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.corpus.syntax_rules import Language

# Prose has fewer tokens to the character than code; 1,600 characters are about 400 tokens.
MAX_PROSE_CHARS = 1600
# Sections shorter than this join the next one under the same heading.
TARGET_PROSE_CHARS = 600
# A run of text shorter than this (a bare heading) says nothing by itself.
_CRUMB_CHARS = 60

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?$")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*\r?$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}\s*$")
_FRONT_MATTER = ("---", "+++")


class Heading(NamedTuple):
    """A heading: the first line it takes (with an overline), its depth from 1, and its words."""

    row: int
    level: int
    title: str


class _Section(NamedTuple):
    rows: Rows
    chain: tuple[str, ...]


def chunk_prose(path: str, text: str, language: Language) -> list[Chunk]:
    """Cut prose at its headings, long sections at paragraphs; short neighbours under one heading are joined."""
    lines = Lines.of(text)
    find = _HEADINGS.get(language.name)
    headings = find(lines.lines) if find else []
    sections = _joined(_sections(headings, lines), lines)
    return [
        Chunk(
            path,
            rows.start + 1,
            rows.end,
            language.name,
            lines.text(rows),
            " > ".join(section.chain),
            section.chain[-1] if section.chain else "",
        )
        for section in sections
        for rows in windows(lines, section.rows, MAX_PROSE_CHARS)
    ]


def _sections(headings: Sequence[Heading], lines: Lines) -> list[_Section]:
    """Cut at every heading and give each section the headings it stands under."""
    result: list[_Section] = []
    chain: list[Heading] = []
    first = headings[0].row if headings else len(lines)
    if first and lines.weight(Rows(0, first)):
        result.append(_Section(Rows(0, first), ()))
    start = 0 if not result else first
    for position, heading in enumerate(headings):
        chain = [*(above for above in chain if above.level < heading.level), heading]
        end = headings[position + 1].row if position + 1 < len(headings) else len(lines)
        result.append(_Section(Rows(start, end), tuple(above.title for above in chain if above.title)))
        start = end
    return result


def _joined(sections: Sequence[_Section], lines: Lines) -> list[_Section]:
    """Join short sections to the one before, under the headings both share."""
    result: list[_Section] = []
    for section in sections:
        if result and (chain := _shared(result[-1], section, lines)) is not None:
            result[-1] = _Section(Rows(result[-1].rows.start, section.rows.end), chain)
        else:
            result.append(section)
    return result


def _shared(before: _Section, after: _Section, lines: Lines) -> tuple[str, ...] | None:
    """Return the heading chain of two sections joined, or None where they stay apart."""
    total = lines.weight(before.rows) + lines.weight(after.rows)
    if total > MAX_PROSE_CHARS:
        return None
    if lines.weight(before.rows) <= _CRUMB_CHARS and after.chain[: len(before.chain)] == before.chain:
        return after.chain
    parent = before.chain[:-1]
    is_sibling = len(before.chain) == len(after.chain) and after.chain[:-1] == parent
    is_child = after.chain[: len(before.chain)] == before.chain
    return before.chain if total <= TARGET_PROSE_CHARS and (is_sibling or is_child) else None


def _front_matter(lines: Sequence[str]) -> int:
    """Count the lines of a metadata block at the top."""
    mark = lines[0].rstrip()
    if mark not in _FRONT_MATTER:
        return 0
    for row in range(1, len(lines)):
        if lines[row].rstrip() == mark:
            return row + 1
    return 0


def markdown_headings(lines: Sequence[str]) -> list[Heading]:
    """Find ATX and setext headings outside fenced code and front matter."""
    found: list[Heading] = []
    fence = ""
    for row in range(_front_matter(lines), len(lines)):
        line = lines[row]
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _markdown_heading(lines, row):
            found.append(heading)
    return found


def _markdown_heading(lines: Sequence[str], row: int) -> Heading | None:
    if match := _ATX.match(lines[row]):
        return Heading(row, len(match[1]), (match[2] or "").strip())
    below = _SETEXT.match(lines[row + 1]) if row + 1 < len(lines) else None
    title = lines[row].strip()
    if below is None or not title or (row and lines[row - 1].strip()) or title[0] in "-*+>|#`~=":
        return None
    return Heading(row, 1 if below[1][0] == "=" else 2, title)


def rst_headings(lines: Sequence[str]) -> list[Heading]:
    """Find reStructuredText headings; their levels follow the order in which adornments first appear."""
    found: list[Heading] = []
    styles: list[str] = []
    for row, style in _rst_adorned(lines):
        if style not in styles:
            styles.append(style)
        has_overline = len(style) == 2
        found.append(Heading(row - has_overline, styles.index(style) + 1, lines[row].strip()))
    return found


def _rst_adorned(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the line of each title with its adornment, doubled where there is an overline."""
    for row in range(len(lines) - 1):
        title, under = lines[row].rstrip(), _ADORNMENT.match(lines[row + 1])
        if not under or not title or _ADORNMENT.match(title) or len(lines[row + 1].rstrip()) < len(title.strip()):
            continue
        above = lines[row - 1].rstrip() if row else ""
        if above == lines[row + 1].rstrip():
            yield row, under[1] * 2
        elif not above and not title[0].isspace():
            yield row, under[1]


_HEADINGS: dict[str, Callable[[Sequence[str]], list[Heading]]] = {
    "markdown": markdown_headings,
    "restructuredtext": rst_headings,
}
