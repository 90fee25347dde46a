"""A chunk as the plain fields a vector store keeps beside its vectors, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coderank.errors import REBUILD, IndexCorruptError
from coderank.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "path"
LANGUAGE = "language"
DEFINES = "defines"
"""Lower-cased names, for the filter; ``NAMES`` keeps the spelling of the source."""
NAMES = "names"
START_LINE = "start_line"
FILTERED_FIELDS = (PATH, LANGUAGE, DEFINES)
"""Fields a query can restrict, so those a store indexes."""


def to_payload(chunk: Chunk) -> dict[str, Any]:
    """Describe a chunk in strings, integers and lists of strings only."""
    return {
        PATH: chunk.path,
        START_LINE: chunk.start_line,
        "end_line": chunk.end_line,
        LANGUAGE: chunk.language,
        "symbol": chunk.symbol,
        "signature": chunk.signature,
        DEFINES: [name.lower() for name in chunk.defines],
        NAMES: list(chunk.defines),
        "content": chunk.content,
    }


def from_payload(payload: Mapping[str, Any] | None) -> Chunk:
    """Restore the chunk exactly; raise IndexCorruptError when a field is missing."""
    fields = payload or {}
    try:
        return Chunk(
            path=fields[PATH],
            start_line=fields[START_LINE],
            end_line=fields["end_line"],
            language=fields[LANGUAGE],
            content=fields["content"],
            symbol=fields["symbol"],
            signature=fields["signature"],
            defines=tuple(fields[NAMES]),
        )
    except KeyError as error:
        raise _without(error, fields) from error


def path_of(payload: Mapping[str, Any] | None) -> str:
    """Read the path alone; raise IndexCorruptError when it is missing."""
    fields = payload or {}
    try:
        return str(fields[PATH])
    except KeyError as error:
        raise _without(error, fields) from error


def _without(field: KeyError, fields: Mapping[str, Any]) -> IndexCorruptError:
    return IndexCorruptError(f"A point of the index has no field {field}, only {sorted(fields)}", REBUILD)
