"""What the formats of clients' files have in common: where an entry is among the values, and what an edit must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coderank.serving.clients.faults import BrokenFileError, ForeignShapeError

if TYPE_CHECKING:
    from collections.abc import Callable


def entry_in(value: dict[str, Any], table: str, name: str, kind: str) -> dict[str, Any] | None:
    """Read the entry of a name, None if there is none; ``kind`` is what the format calls a table.

    Raises ForeignShapeError where something else stands there.
    """
    servers = value.get(table, {})
    if not isinstance(servers, dict):
        raise ForeignShapeError(f"{table!r} holds {str(servers)[:40]}, not {kind}")
    entry = servers.get(name)
    if entry is not None and not isinstance(entry, dict):
        raise ForeignShapeError(f"{name!r} below {table!r} holds {str(entry)[:40]}, not {kind}")
    return entry


def checked(edited: str, expected: dict[str, Any], read: Callable[[str], dict[str, Any]]) -> str:
    """Give an edited text back if it says what is expected. Raises BrokenFileError."""
    try:
        kept = read(edited) == expected
    except (BrokenFileError, ForeignShapeError):
        kept = False
    if not kept:
        raise BrokenFileError("the entry cannot be edited without changing something else in it")
    return edited
