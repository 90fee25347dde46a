"""What may be asked. Pure, and cheap to import: a bad question is refused before any work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coderank.errors import InvalidQueryError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUERY_CHARS = 10_000
"""Longest query: more than any model reads, far less than would slow the lexical leg down."""
MAX_LIMIT = 1_000
"""Most hits of one search: a longer list is read by a program, which filters serve better."""
MAX_GLOB_CHARS = 500
"""A glob becomes a regular expression, which is tried on every path of the index: ten megabytes of one take minutes."""
MAX_WILDCARDS = 6
"""Each multiplies what a path that almost matches may cost; people need five."""
_WILDCARDS = re.compile(r"[*?]+")


def checked_limit(limit: int) -> int:
    """Return a limit that can be searched with, or raise InvalidQueryError."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQueryError(f"The limit is {limit}, not between 1 and {MAX_LIMIT}", "Ask for 10 hits: -k 10")
    return limit


def checked_query(query: str) -> str:
    """Return a query that can be searched with, or raise InvalidQueryError."""
    if not query.strip():
        raise InvalidQueryError("The query is empty", "Say in a few words what the code does")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidQueryError(
            f"The query has {len(query)} characters, more than {MAX_QUERY_CHARS}",
            "Shorten it; for code like a piece of code use: coderank related FILE:LINE",
        )
    return query


def checked_globs(globs: Iterable[str]) -> None:
    """Raise InvalidQueryError for globs that would keep a server busy; who asks at a terminal only waits himself."""
    remedy = "Name a folder or an ending: 'src/**', '*.py'"
    for glob in globs:
        if len(glob) > MAX_GLOB_CHARS:
            raise InvalidQueryError(f"A glob has {len(glob)} characters, more than {MAX_GLOB_CHARS}", remedy)
        if len(_WILDCARDS.findall(glob)) > MAX_WILDCARDS:
            raise InvalidQueryError(f"The glob {glob!r} has more than {MAX_WILDCARDS} wildcards", remedy)
