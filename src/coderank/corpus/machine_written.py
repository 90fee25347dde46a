"""Text that no person wrote, and that is of no use to one: minified and generated files. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MINIFIED_MIN_CHARS = 2_000
"""Shorter files are kept whatever their lines: they are one chunk, and often a configuration in one line."""

MAX_MEAN_LINE = 300
"""Characters per line. Code has 25 to 45, generated tables up to 150, minified code thousands."""

HUGE_LINE = 5_000
"""Characters no person writes in one line, not even as a paragraph."""

WRITTEN_LINES = 50
"""Ordinary lines that make a file worth keeping beside huge ones: source with embedded data. A licence on top of
minified code has some twenty."""

_PROSE_ENDINGS = (".md", ".mdx", ".markdown", ".rst", ".txt", ".adoc", ".asciidoc", ".asc", ".org", ".tex", ".rmd")
"""Many write prose with a line per paragraph: there, long lines on average say nothing."""

HEADER_LINES = 40
"""How far down a marker counts: licences of some twenty lines come before it."""

_LINE_COMMENT = re.compile(
    r"(?:\#+!?|//+!?|--+|;+|%+|\.\.|\*+|'(?!'')|\"(?!\"\")|rem\b|@rem\b|dnl\b)(.*)", re.IGNORECASE
)
_BLOCKS = {"/*": "*/", "<!--": "-->", "{-": "-}", "(*": "*)", "<#": "#>", "--[[": "]]"}
_HEADING_MARKS = (".md", ".mdx", ".markdown", ".rmd", ".org")
"""Where # and * start a heading or a list item; only block comments are comments there."""
_BEFORE_COMMENTS = re.compile(r"<\?(?:php|xml)\b.*|<!doctype\b.*|@echo off|['\"]use strict['\"];?", re.IGNORECASE)
_FRAME = re.compile(
    r"[\s*=!~_\-#/|:]*(?:(?:warning|notes?|notice|attention|caution|important)[\s:!\-]+)?", re.IGNORECASE
)
"""What a comment puts before its words."""

_NO_EDIT = r"\bdo(?:n['o]t|\ not)\ (?:manually\ |hand[-\ ])?(?:edit|modify|change|touch|alter)\b"
_BY_MACHINE = r"(?:auto[-\ ]?generated|(?:automatically|machine)[-\ ]generated|automatically\ @generated|@generated)\b"
_ORIGIN = r"(?:by|from|with|using|via)\b"
_TOOLS = r"(?:the\ protocol\ buffer|(?:gnu\ )?(?:autoconf|automake|bison|flex|cython|swig|gperf|ragel|coffeescript))\b"
_THIS_FILE = (
    r"th(?:is|e\ following)\ (?:\w+\ ){0,2}(?:file|code|module|script|class|header|document)\ (?:is|was|has\ been)"
)

# Each must start what the comment says: a sentence that mentions generation in passing does not.
_MARKER = re.compile(
    rf"""
      @generated\b | <auto-?generated
    | {_BY_MACHINE}\ (?:{_ORIGIN}|file\b)
    | {_THIS_FILE}\ (?:an?\ )?(?:{_BY_MACHINE}|generated\ (?:{_ORIGIN}|automatically))
    | generated\ by\ {_TOOLS} | a\ (?:bison\ parser|lexical\ scanner\ generated)
    | (?:code\ )?generated\b.*{_NO_EDIT}
    | {_NO_EDIT}.*\bgenerated\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Neither alone is enough (hand-written migrations say by what they were begun), both in one header are.
_ORIGIN_NOTE = re.compile(rf"{_BY_MACHINE}|generated\ {_ORIGIN}", re.IGNORECASE)
_EDIT_WARNING = re.compile(_NO_EDIT, re.IGNORECASE)


def is_minified(path: str, text: str) -> bool:
    """Tell whether the lines are too long for anyone to have written them."""
    if len(text) < MINIFIED_MIN_CHARS:
        return False
    lines = text.split("\n")
    written = [line for line in lines if len(line) <= HUGE_LINE and line.strip()]
    chars = sum(map(len, written))
    dense = chars > MAX_MEAN_LINE * len(written)
    if 2 * chars < len(text):
        return dense or len(written) < WRITTEN_LINES
    return dense and not path.lower().endswith(_PROSE_ENDINGS)


def generated_marker(path: str, text: str) -> str:
    """Return the comment at the top of the file that says it was generated; empty if there is none."""
    says = [_FRAME.sub("", comment, count=1).strip() for comment in _top_comments(path, text)]
    for comment in says:
        if _MARKER.match(comment):
            return comment
    if any(_EDIT_WARNING.search(comment) for comment in says):
        return next((comment for comment in says if _ORIGIN_NOTE.match(comment)), "")
    return ""


def _top_comments(path: str, text: str) -> Iterator[str]:
    """Yield the comment lines before the first line that is none, without their marks."""
    line_comments = not path.lower().endswith(_HEADING_MARKS)
    closing = ""
    for raw in text.split("\n", HEADER_LINES)[:HEADER_LINES]:
        line = raw.strip()
        if not closing:
            if not line or _BEFORE_COMMENTS.fullmatch(line):
                continue
            opening = next((mark for mark in _BLOCKS if line.startswith(mark)), "")
            found = _LINE_COMMENT.fullmatch(line) if line_comments and not opening else None
            if found:
                yield found[1]
                continue
            if not opening:
                return
            line, closing = line.removeprefix(opening), _BLOCKS[opening]
        said, closed, after = line.partition(closing)
        yield said
        if closed:
            closing = ""
            if after.strip():
                return
