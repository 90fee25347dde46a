"""Reads points that another program wrote: which program it was, and where its payload has what a chunk needs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coderank.errors import ConfigurationError, StoreError
from coderank.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = "payload."
"""May begin a field's name: ``payload.document`` is ``document``."""
MOST = 0.5
"""Share of the points that must have a preset's fields: programs also keep a point of notes or two."""
SHOWN = 20
"""Fields that a message lists."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a payload has what a chunk needs: dotted names, the first that holds something counts.

    A name goes on into text that is JSON: LlamaIndex keeps its nodes so.
    """

    text: tuple[str, ...]
    path: tuple[str, ...] = ()
    start_line: tuple[str, ...] = ()
    end_line: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    symbol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """What points of one program look like."""

    has: tuple[str, ...]
    """Fields that all its points have; together they are nobody else's."""
    fields: Fields


_FILE_NAMES = ("file_path", "path", "filePath", "file", "filename", "file_name", "source", "url")
_IN_METADATA = tuple(f"metadata.{name}" for name in _FILE_NAMES)
_LINES = {
    "start_line": ("metadata.start_line", "metadata.startLine", "metadata.loc.lines.from"),
    "end_line": ("metadata.end_line", "metadata.endLine", "metadata.loc.lines.to"),
}
PRESETS: dict[str, Preset] = {
    "roo-code": Preset(  # and Kilo Code, which goes on with its format: collections named ws-*
        ("codeChunk", "filePath", "startLine"),
        Fields(("codeChunk",), ("filePath",), ("startLine",), ("endLine",)),
    ),
    "claude-context": Preset(
        ("content", "relativePath", "startLine"),
        Fields(("content",), ("relativePath",), ("startLine",), ("endLine",), ("metadata.language",)),
    ),
    "llama-index": Preset(
        ("_node_content", "_node_type"),
        Fields(("_node_content.text", "_node_content.text_resource.text", "text"), _FILE_NAMES),
    ),
    "langchain": Preset(
        ("page_content",), Fields(("page_content",), _IN_METADATA, language=("metadata.language",), **_LINES)
    ),
    "mcp-server-qdrant": Preset(
        ("document", "metadata"), Fields(("document",), _IN_METADATA, language=("metadata.language",), **_LINES)
    ),
}
"""In the order in which they are tried."""


def detect(payloads: Sequence[Mapping[str, Any]]) -> str | None:
    """Name the preset that most of these payloads fit; None where none does."""
    needed = max(1.0, len(payloads) * MOST)
    for name, preset in PRESETS.items():
        if sum(all(field in payload for field in preset.has) for payload in payloads) >= needed:
            return name
    return None


def fields_for(payloads: Sequence[Mapping[str, Any]], wanted: Fields | str | None, name: str) -> Fields:
    """Decide where payloads of the collection ``name`` have their text: as wanted, or as a preset that fits.

    Raises:
        ConfigurationError: there is no preset of that name.
        StoreError: no text can be found; the message names the fields that were seen.
    """
    if isinstance(wanted, str):
        if wanted not in PRESETS:
            raise ConfigurationError(f"There is no preset {wanted!r}", f"Choose one of: {', '.join(PRESETS)}")
        wanted = PRESETS[wanted].fields
    elif wanted is None:
        found = detect(payloads)
        if found is None:
            raise _without_text(payloads, name, "is of no known program")
        wanted = PRESETS[found].fields
    if payloads and not any(text_of(payload, wanted) for payload in payloads):
        raise _without_text(payloads, name, f"has no text in {' or '.join(wanted.text)}")
    return wanted


def text_of(payload: Mapping[str, Any], fields: Fields) -> str:
    """Return the text of a point, empty where it has none."""
    value = _first(payload, fields.text)
    return value if isinstance(value, str) else ""


def chunk_of(
    payload: Mapping[str, Any] | None, id_: str, fields: Fields, language_of: Callable[[str], str]
) -> Chunk | None:
    """Describe a foreign point as a chunk, None where it has no text. What its owner did not write is not made up.

    Without a path, the id stands for it; without lines, they are those of the text itself; the language is told by
    the path where the payload does not say.
    """
    given = payload or {}
    text = text_of(given, fields)
    if not text:
        return None
    path = str(_first(given, fields.path) or id_).replace("\\", "/")
    start = _line(given, fields.start_line) or 1
    language = _first(given, fields.language)
    symbol = _first(given, fields.symbol)
    return Chunk(
        path=path,
        start_line=start,
        end_line=max(start, _line(given, fields.end_line) or start + text.rstrip("\n").count("\n")),
        language=language if isinstance(language, str) and language else language_of(path),
        content=text,
        symbol=symbol if isinstance(symbol, str) else "",
    )


def plain(name: str) -> str:
    """A dotted name as Qdrant takes it, without the word payload before."""
    return name.removeprefix(ROOT)


def _first(payload: Mapping[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        value = _at(payload, plain(name))
        if value not in (None, ""):
            return value
    return None


def _at(payload: Any, name: str) -> Any:
    value = payload
    for key in name.split("."):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _line(payload: Mapping[str, Any], names: Sequence[str]) -> int:
    value = _first(payload, names)
    return value if isinstance(value, int) and value > 0 else 0


def _without_text(payloads: Sequence[Mapping[str, Any]], name: str, what: str) -> StoreError:
    seen = Counter(field for payload in payloads for field in _names(payload))
    listed = ", ".join(field for field, _ in seen.most_common(SHOWN)) or "none: it has no points"
    return StoreError(
        f"The payload of the collection {name} {what}. Its fields: {listed}",
        'Name the field of the text in the configuration, as store.payload: {"text": "payload.document"}',
    )


def _names(payload: Mapping[str, Any], before: str = "") -> list[str]:
    names = []
    for key, value in payload.items():
        names += _names(value, f"{before}{key}.") if isinstance(value, dict) and value else [f"{before}{key}"]
    return names
