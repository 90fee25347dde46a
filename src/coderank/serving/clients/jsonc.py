"""One entry in a JSON file with comments: found, put in and taken out as text, so that every other byte stays.

The text is never written anew from its value. An edit inserts or cuts one stretch of it, and its value is then read
again: an edit that changed anything but the entry is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coderank.serving.clients.entries import checked, entry_in
from coderank.serving.clients.faults import BrokenFileError, ForeignShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])')
_SPACE = re.compile(r"[ \t\r\n]*")
_WHITE = " \t\r\n"
"""All that is space in JSON: a comment may end in what other rules call space."""
_INDENT = "  "
"""Of a file that shows none of its own."""


@dataclass(frozen=True, slots=True)
class _Member:
    """One ``"key": value`` of an object, by its places in the text."""

    key: str
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """One object, from the brace that opens it to the one that closes it."""

    opening: int
    closing: int
    members: tuple[_Member, ...]


class _Text:
    """A file, and the same without comments and closing commas: of equal length, so that places agree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.bare = _STRING_OR_COMMENT.sub(_blank_comment, text)
        self.plain = _STRING_OR_LAST_COMMA.sub(_blank_comma, self.bare)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.value = _loads(self.plain)
        self.root = self.object_at(self._after_space(0))

    def object_at(self, opening: int) -> _Object:
        """Find the members of the object whose brace is there. Raises BrokenFileError where a key is there twice."""
        members: list[_Member] = []
        at = self._after_space(opening + 1)
        while self.plain[at] != "}":
            key, end = _DECODER.raw_decode(self.plain, at)
            value = self._after_space(self._after_space(end) + 1)  # over the colon
            _, end_of_value = _DECODER.raw_decode(self.plain, value)
            members.append(_Member(key, at, value, end_of_value))
            at = self._after_space(end_of_value)
            if self.plain[at] == ",":
                at = self._after_space(at + 1)
        return _Object(opening, at, tuple(members))

    def comma_after(self, end: int, before: int) -> int:
        """Where the comma behind a value is, -1 where none is before that place."""
        return self.bare.find(",", end, before)

    def past_remarks(self, at: int) -> int:
        """Step over the comments that stand behind a value on its line, for they are about it."""
        line_end = _line_end(self.text, at)
        if self.bare[at:line_end].strip():
            return at
        for comment in _STRING_OR_COMMENT.finditer(self.text, at):
            if comment.start() >= line_end:
                break
            at = comment.end()
        return at

    def space_before(self, start: int, end: int) -> int:
        """Where the space before a member begins that goes with it.

        None does between a comment that ends with its line and something that would then be swallowed by it.
        """
        before = len(self.text[:start].rstrip(_WHITE))
        remark = next((at for at in _remarks(self.text) if at.start() < before <= at.end()), None)
        if remark is None:
            return before
        return remark.end() if not self.text[end : _line_end(self.text, end)].strip() else start

    def indent_of(self, at: int) -> str | None:
        """What stands before a place on its line, None if that is not only space."""
        before = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return before if not before.strip() else None

    def line_indent(self, at: int) -> str:
        """The indentation of the line of a place."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip())]

    def unit(self) -> str:
        """One step of indentation, as the first member of the file shows it."""
        return (self.indent_of(self.root.members[0].start) if self.root.members else None) or _INDENT

    def _after_space(self, at: int) -> int:
        found = _SPACE.match(self.plain, at)
        return found.end() if found else at


_DECODER = json.JSONDecoder()


def find(text: str, table: str, name: str) -> dict[str, Any] | None:
    """Read the entry of a name, None if there is none.

    Raises:
        BrokenFileError: the file does not follow its format.
        ForeignShapeError: something else stands where the entry would.
    """
    return entry_in(_value(text), table, name, "an object")


def put(text: str, table: str, name: str, entry: dict[str, Any]) -> str:
    """Write the entry, in the place of an older one if there is one. Raises as `find` does."""
    older = find(text, table, name)
    if not text.strip():
        return json.dumps({table: {name: entry}}, indent=_INDENT, ensure_ascii=False) + "\n"
    read = _Text(text)
    held = _member(read.root, table)
    if held is None:
        edited = _inserted(read, read.root, table, {name: entry})
    else:
        servers = read.object_at(held.value)
        there = _member(servers, name)
        if older is not None and there is not None:
            written = _written(read, entry, read.indent_of(there.start))
            edited = text[: there.value] + written + text[there.end :]
        else:
            edited = _inserted(read, servers, name, entry)
    return checked(edited, read.value | {table: read.value.get(table, {}) | {name: entry}}, _value)


def take_out(text: str, table: str, name: str) -> str:
    """Cut the entry, and its table if that held nothing else. Raises as `find` does."""
    if find(text, table, name) is None:
        return text
    read = _Text(text)
    expected = {key: dict(value) if key == table else value for key, value in read.value.items()}
    del expected[table][name]
    held = _required(read.root, table)
    edited = _cut(read, read.object_at(held.value), name)
    if not expected[table]:
        emptied = _Text(edited)
        place = _required(emptied.root, table)
        if emptied.text[place.start : place.end] == emptied.bare[place.start : place.end]:  # no comment of the user's
            del expected[table]
            edited = _cut(emptied, emptied.root, table)
    return checked(edited, expected, _value)


def shown(table: str, name: str, entry: dict[str, Any]) -> str:
    """Write what to paste into a file that is not touched."""
    return f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)} below {json.dumps(table)}"


def _value(text: str) -> dict[str, Any]:
    return _Text(text).value if text.strip() else {}


def _loads(plain: str) -> dict[str, Any]:
    try:
        value = json.loads(plain, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenFileError(f"it is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ForeignShapeError(f"it holds a {type(value).__name__}, not an object")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value")


def _remarks(text: str) -> Iterator[re.Match[str]]:
    """Comments that end with their line."""
    return (found for found in _STRING_OR_COMMENT.finditer(text) if found[0].startswith("//"))


def _blank_comment(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else re.sub(r"[^\r\n]", " ", found[0])


def _blank_comma(found: re.Match[str]) -> str:
    # A comma that follows no value is an error, which the reading of the text will name.
    follows_value = found.string[: found.start()].rstrip()[-1:] not in {"{", "[", ",", ":"}
    return " " if found[0] == "," and follows_value else found[0]


def _member(held: _Object, key: str) -> _Member | None:
    found = [member for member in held.members if member.key == key]
    if len(found) > 1:
        raise BrokenFileError(f"it has {key!r} twice in one object")
    return found[0] if found else None


def _required(held: _Object, key: str) -> _Member:
    member = _member(held, key)
    if member is None:
        raise BrokenFileError(f"it has no {key!r}")
    return member


def _written(read: _Text, value: Any, indent: str | None) -> str:
    """A value as the file would have it: on lines of its own below ``indent``, or on one line where that is None."""
    if indent is None:
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, indent=read.unit(), ensure_ascii=False).split("\n")
    return (read.newline + indent).join(lines)


def _inserted(read: _Text, held: _Object, key: str, value: Any) -> str:
    """Put a member behind the last one, or into an object that has none."""
    if not held.members:
        return _into_empty(read, held, key, value)
    text, last = read.text, held.members[-1]
    indent = None
    if "\n" in text[held.opening : held.closing]:
        indent = read.indent_of(last.start) or read.line_indent(held.opening) + read.unit()
    member = f"{json.dumps(key)}: {_written(read, value, indent)}"
    gap = " " if indent is None else read.newline + indent
    comma = read.comma_after(last.end, held.closing)
    if comma >= 0:
        at = read.past_remarks(comma + 1)
        return f"{text[:at]}{gap}{member},{text[at:]}"
    at = read.past_remarks(last.end)
    return f"{text[: last.end]},{text[last.end : at]}{gap}{member}{text[at:]}"


def _into_empty(read: _Text, held: _Object, key: str, value: Any) -> str:
    outer = read.line_indent(held.opening)
    indent = outer + read.unit()
    inside = read.text[held.opening + 1 : held.closing]
    kept = inside.rstrip(_WHITE)
    rest = inside[len(kept) :] if kept and "\n" in inside[len(kept) :] else read.newline + outer
    member = f"{read.newline}{indent}{json.dumps(key)}: {_written(read, value, indent)}"
    return f"{read.text[: held.opening + 1]}{kept}{member}{rest}{read.text[held.closing :]}"


def _cut(read: _Text, held: _Object, key: str) -> str:
    """Take out a member with the space before it and one comma: the reverse of `_inserted`."""
    text, member = read.text, _required(held, key)
    place = held.members.index(member)
    before = held.members[place - 1].end if place else held.opening + 1
    after = held.members[place + 1].start if place + 1 < len(held.members) else held.closing
    comma = read.comma_after(member.end, after)
    own_comma = comma >= 0
    if not own_comma and place:
        comma = read.comma_after(before, member.start)
    start = read.space_before(member.start, (comma if own_comma else member.end - 1) + 1)
    if own_comma:
        cut = text[:start] + text[member.end : comma] + text[comma + 1 :]
    elif place:
        cut = text[:comma] + text[comma + 1 : start] + text[member.end :]
    else:
        cut = text[:start] + text[member.end :]
    return _closed_up(cut, held.opening) if len(held.members) == 1 else cut


def _closed_up(text: str, opening: int) -> str:
    """Write an object of nothing but space as ``{}``."""
    rest = text[opening + 1 :].lstrip(_WHITE)
    return text[: opening + 1] + rest if rest.startswith("}") else text


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
