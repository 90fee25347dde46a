"""What kind of question is this? Pure: looks at the text of the query alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[^\W\d]\w*[!?]?"
_SYMBOL = re.compile(rf"[~@#$]?{_NAME}(?:(?:::|\.|->|/|#|\\){_NAME})*(?:\(\))?")
_WORD = re.compile(r"[^\W\d]\w*(?:(?:::|\.|->|#)[^\W\d]\w*)*")
_CODE_LIKE = re.compile(r"::|\.|->|#|[^\W_]_+[^\W_]|[a-z0-9][A-Z]|[A-Z]{2}[a-z]")
"""What plain words lack: qualifiers, inner underscores, inner capitals."""
_QUALIFIER = re.compile(r"::|\.|->|/|#|\\")

MIN_NAME = 3
"""Shortest name, in characters, that counts inside a sentence: "e.g." is not a name."""


@dataclass(frozen=True, slots=True)
class QueryProfile:
    """A query, read for what it asks of the ranking."""

    text: str
    is_symbol: bool
    """The whole query is one, possibly qualified, name: ``HTTPAdapter``, ``Session.send``, ``Sinatra::Base``."""
    names: tuple[str, ...]
    """Names asked for, in lower case and without their qualifiers: the definitions worth finding first."""
    qualifiers: tuple[str, ...]
    """The parts before the last of a qualified name, in lower case: ``session`` of ``Session.send``."""
    is_code: bool = False
    """The query is a piece of code, and asks for others like it."""


def profile(text: str) -> QueryProfile:
    """Read a query: is it a name, or a sentence that may contain names?"""
    query = text.strip()
    is_symbol = _SYMBOL.fullmatch(query) is not None
    found = [query] if is_symbol else [word for word in _WORD.findall(query) if _CODE_LIKE.search(word)]
    paths = [[part.strip("~@#$!?()").lower() for part in _QUALIFIER.split(name)] for name in found]
    return QueryProfile(
        text=query,
        is_symbol=is_symbol,
        names=tuple(dict.fromkeys(path[-1] for path in paths if len(path[-1]) >= MIN_NAME or is_symbol)),
        qualifiers=tuple(dict.fromkeys(part for path in paths for part in path[:-1] if part)),
    )


def code_profile() -> QueryProfile:
    """Return the profile of a query that is itself code: nothing is asked for by name."""
    return QueryProfile(text="", is_symbol=False, names=(), qualifiers=(), is_code=True)
