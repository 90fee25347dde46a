"""Where a list of hits goes on. The cursor says it all, so that a server remembers nothing. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import InvalidQueryError
from coderank.retrieval.limits import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coderank.types import Hit

_DIGEST_BYTES = 6
"""Enough to notice another question or another list; nobody gains by forging one."""
_SHOULD = "Ask again without the cursor"


class StaleCursorError(InvalidQueryError):
    """The list that the cursor goes on with is another one by now."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """How far a client is in a list."""

    taken: int
    """Hits that it has."""
    window: int
    """Hits that were asked for: another number may give another list."""
    question: str
    before: str
    """Digest of the hits that it has."""


def begin(question: str, cursor: str, window: int) -> Place:
    """Return where the list goes on; without a cursor at the beginning of the best ``window`` hits.

    Raises InvalidQueryError for what is no cursor, or one of another question.
    """
    if not cursor:
        return Place(0, window, _digest(question), _places(()))
    found = _decoded(cursor)
    if found.question != _digest(question):
        raise InvalidQueryError("The cursor belongs to another question", _SHOULD)
    return found


def check(place: Place, hits: Sequence[Hit]) -> None:
    """Raise StaleCursorError if the hits that the client has are not the first of the list any more."""
    if place.before != _places(hits[: place.taken]):
        raise StaleCursorError("The index has changed since this list was begun", _SHOULD)


def after(place: Place, hits: Sequence[Hit], taken: int) -> str:
    """Make the cursor of a client that gets ``taken`` hits more; empty where the list ends with them."""
    have = place.taken + taken
    if have >= len(hits):
        return ""
    content = msgspec.json.encode(Place(have, place.window, place.question, _places(hits[:have])))
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _decoded(cursor: str) -> Place:
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = msgspec.json.decode(content, type=Place)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidQueryError("That is no cursor of a search here", _SHOULD) from error
    if not 0 < found.taken < found.window <= MAX_LIMIT:
        raise InvalidQueryError("That is no cursor of a search here", _SHOULD)
    return found


def _places(hits: Iterable[Hit]) -> str:
    return _digest("\n".join(f"{hit.root}\0{hit.path}\0{hit.start_line}" for hit in hits))


def _digest(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
