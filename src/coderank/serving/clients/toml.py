"""One entry in a TOML file: found, put in and taken out as text, so that every other byte stays.

An entry is a table of its own, ``[mcp_servers.coderank]``, at the end of the file: that is valid behind anything.
Whatever the text looks like, the standard library reads it again after the edit, and an edit that changed anything but
the entry is refused.
"""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from coderank.serving.clients.entries import checked, entry_in
from coderank.serving.clients.faults import BrokenFileError, ForeignShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*", re.DOTALL
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def find(text: str, table: str, name: str) -> dict[str, Any] | None:
    """Read the entry of a name, None if there is none.

    Raises:
        BrokenFileError: the file does not follow its format.
        ForeignShapeError: something else stands where the entry would.
    """
    return entry_in(_loads(text), table, name, "a table")


def put(text: str, table: str, name: str, entry: dict[str, Any]) -> str:
    """Write the entry, in the place of an older one if there is one. Raises as `find` does."""
    older = find(text, table, name)
    newline = "\r\n" if "\r\n" in text else "\n"
    written = _written(table, name, entry).replace("\n", newline)
    if older is not None:
        start = next((start for start, _ in _spans(text, (table, name))), len(text))
        rest = _without(text, table, name)
        start = min(start, len(rest))
        edited = rest[:start] + written + rest[start:]
    elif text:
        edited = text + ("" if text.endswith("\n") else newline) + newline + written
    else:
        edited = written
    value = _loads(text)
    return checked(edited, value | {table: value.get(table, {}) | {name: entry}}, _loads)


def take_out(text: str, table: str, name: str) -> str:
    """Cut the entry and the blank line before it. Raises as `find` does."""
    if find(text, table, name) is None:
        return text
    expected = _loads(text)
    del expected[table][name]
    if not expected[table] and not any(True for _ in _spans(text, (table,), exactly=True)):
        del expected[table]
    return checked(_without(text, table, name, blank_line=True), expected, _loads)


def shown(table: str, name: str, entry: dict[str, Any]) -> str:
    """Write what to paste into a file that is not touched."""
    return " ".join(_written(table, name, entry).split("\n")).strip()


def _loads(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenFileError(f"it is no TOML: {error}") from error


def _written(table: str, name: str, entry: dict[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in entry.items()]
    return f"[{_key(table)}.{_key(name)}]\n" + "".join(lines)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """Write a value; strings of JSON are strings of TOML but for one character."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise ForeignShapeError(f"it holds {value!r} in the entry")


def _without(text: str, table: str, name: str, *, blank_line: bool = False) -> str:
    """The text without the tables of the entry, and the blank line before each if asked."""
    for start, end in reversed(list(_spans(text, (table, name)))):
        kept = text[:start]
        if blank_line:
            kept = re.sub(r"(\A|\n)\r?\n\Z", r"\1", kept)
        text = kept + text[end:]
    return text


def _spans(text: str, path: tuple[str, ...], *, exactly: bool = False) -> Iterator[tuple[int, int]]:
    """Where the tables of a path and below it begin and end; a remark that stands last in one belongs to the next."""
    headers = [*_headers(text), (len(text), ())]
    for (start, found), (following, _) in pairwise(headers):
        if found == path or (not exactly and found[: len(path)] == path):
            yield start, start + _own_length(text[start:following])


def _own_length(block: str) -> int:
    """How much of the text from a header on is the table's: up to its last value."""
    lines = _LINE.findall(block)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return sum(map(len, lines))


def _headers(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every ``[table]`` of the text, by its place: the lines that begin with a bracket outside of any value."""
    bare = _STRING_OR_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    at = depth = 0
    for line in _LINE.findall(bare):
        if not depth and line.lstrip().startswith("["):
            yield at, _path(text[at : at + len(line)])
        else:
            depth += sum(map(line.count, "[{")) - sum(map(line.count, "]}"))
        at += len(line)


def _path(header: str) -> tuple[str, ...]:
    """The keys of a header line."""
    value: Any = tomllib.loads(header)
    keys: list[str] = []
    while value:
        value = value[0] if isinstance(value, list) else value
        for key in value:
            keys.append(key)
        value = value[keys[-1]] if value else None
    return tuple(keys)
