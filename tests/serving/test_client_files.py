"""The edits of client files: exactly one entry comes and goes, and every other byte stays."""

from __future__ import annotations

import json
import tomllib
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coderank.serving.clients import jsonc, toml
from coderank.serving.clients.faults import BrokenFileError, ForeignShapeError

ENTRY = {"type": "stdio", "command": "/usr/bin/coderank", "args": ["serve", "${workspaceFolder}"]}
WORDS = st.sampled_from(["a", "b", "servers", "mcpServers", 'quo"te', "line\nbreak", "{[,]}", "// no comment", "ü", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CLOSING = st.sampled_from(["", ","])
SPACE = st.sampled_from(
    ["", " ", "\n", "\n  ", "\r\n\t", ' // it\'s "so" {\n', "/* , } */", "/* a\n b */ ", "\n// x,\n\n  "]
)


@st.composite
def json_texts(draw: st.DrawFn, members: dict[str, Any] | None = None) -> str:
    """A JSON object with comments, closing commas and any spacing between its parts."""
    held = draw(st.dictionaries(WORDS, VALUES, max_size=3)) | (members or {})
    keys = draw(st.permutations(sorted(held)))
    return draw(SPACE) + _object(draw, {key: held[key] for key in keys}) + draw(SPACE)


def _object(draw: st.DrawFn, held: dict[str, Any]) -> str:
    parts = [f"{draw(SPACE)}{json.dumps(key)}{draw(SPACE)}:{draw(SPACE)}{_any(draw, held[key])}" for key in held]
    closing = draw(CLOSING) if parts else ""
    return "{" + f"{draw(SPACE)},".join(parts) + draw(SPACE) + closing + draw(SPACE) + "}"


def _any(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, dict):
        return _object(draw, value)
    if isinstance(value, list):
        closing = draw(CLOSING) if value else ""
        return "[" + ",".join(f"{draw(SPACE)}{_any(draw, inner)}" for inner in value) + f"{closing}{draw(SPACE)}]"
    return json.dumps(value)


SERVERS = st.dictionaries(st.sampled_from(["one", "two", "three"]), VALUES, max_size=3)


@given(st.data())
def test_json_with_anything_in_it_gets_one_entry_and_loses_only_that(data: st.DataObject) -> None:
    members = data.draw(st.one_of(st.just({}), st.builds(lambda held: {"mcpServers": held}, SERVERS)))
    text = data.draw(json_texts(members))
    try:
        before = jsonc.find(text, "mcpServers", "coderank")
    except ForeignShapeError:
        return  # the draw put something else in the table's place
    assert before is None
    written = jsonc.put(text, "mcpServers", "coderank", ENTRY)
    assert jsonc.find(written, "mcpServers", "coderank") == ENTRY
    assert comments(text) == comments(written)
    gone = jsonc.take_out(written, "mcpServers", "coderank")
    assert jsonc.find(gone, "mcpServers", "coderank") is None
    assert comments(gone) == comments(text)
    if members.get("mcpServers"):
        assert gone == text


def comments(text: str) -> list[str]:
    """Every comment of a text, in order."""
    found, at = [], 0
    while at < len(text):
        if text[at] == '"':
            at = _end_of_string(text, at)
        elif text.startswith("//", at):
            end = min((place for place in (text.find("\n", at), text.find("\r", at)) if place >= 0), default=len(text))
            found.append(text[at:end])
            at = end
        elif text.startswith("/*", at):
            end = text.index("*/", at) + 2
            found.append(text[at:end])
            at = end
        else:
            at += 1
    return found


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


TOML_BLOCKS = st.sampled_from(
    [
        'model = "o4"\n',
        "# a remark\n",
        "\n",
        "[mcp_servers.other]\ncommand = 'x'\nargs = [\n  'a', # [mcp_servers.coderank]\n  '[b]',\n]\n",
        '[mcp_servers.other.env]\nA = """\n[mcp_servers.coderank]\ncommand = "no"\n"""\n',
        "[profiles.\"a.b\"]\nx = '''\n[y]\n'''\n# about the next\n",
        "[[rules]]\nallow = [\n[1, 2],\n]\r\n",
        '[tui]\nnotifications = true\nkeys = { a = "[", b = ["]"] }\n',
    ]
)


@given(st.lists(TOML_BLOCKS, max_size=5, unique=True).map("".join), st.booleans())
@example("[mcp_servers]\n", False)
@example("mcp_servers.other.command = 'x'\n", True)
def test_toml_with_anything_in_it_gets_one_entry_and_loses_only_that(text: str, unended: bool) -> None:
    text = text.removesuffix("\n").removesuffix("\r") if unended else text
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # the draw put a key behind a table that has it
    written = toml.put(text, "mcp_servers", "coderank", ENTRY)
    assert written.startswith(text)
    assert toml.find(written, "mcp_servers", "coderank") == ENTRY
    gone = toml.take_out(written, "mcp_servers", "coderank")
    assert gone.removesuffix("\r\n").removesuffix("\n") == text.removesuffix("\r\n").removesuffix("\n")
    assert tomllib.loads(gone) == value


def test_an_entry_is_written_as_the_file_writes_its_own() -> None:
    text = '{\n    // mine\n    "mcpServers": {\n        "other": {"command": "x"} // keep\n    }\n}\n'
    assert jsonc.put(text, "mcpServers", "coderank", {"command": "c", "args": []}) == (
        '{\n    // mine\n    "mcpServers": {\n        "other": {"command": "x"}, // keep\n'
        '        "coderank": {\n            "command": "c",\n            "args": []\n        }\n    }\n}\n'
    )


def test_a_closing_comma_and_windows_line_ends_stay_the_custom() -> None:
    text = '{\r\n\t"servers": {\r\n\t\t"other": {},\r\n\t},\r\n}'
    assert jsonc.put(text, "servers", "coderank", {"command": "c"}) == (
        '{\r\n\t"servers": {\r\n\t\t"other": {},\r\n\t\t"coderank": {\r\n\t\t\t"command": "c"\r\n\t\t},\r\n\t},\r\n}'
    )


def test_a_new_file_is_one_that_a_person_would_write() -> None:
    assert jsonc.put("", "servers", "coderank", {"command": "c"}) == (
        '{\n  "servers": {\n    "coderank": {\n      "command": "c"\n    }\n  }\n}\n'
    )
    assert toml.put("", "mcp_servers", "coderank", {"command": "c\x7f", "args": ["a"]}) == (
        '[mcp_servers.coderank]\ncommand = "c\\u007f"\nargs = ["a"]\n'
    )


@pytest.mark.parametrize("text", ['{"a": 1, "mcpServers": {}}', "{}", '{\n  "mcpServers": {\n  }\n}'])
def test_an_empty_table_is_filled_and_taken_out_with_its_last_entry(text: str) -> None:
    written = jsonc.put(text, "mcpServers", "coderank", ENTRY)
    gone = jsonc.take_out(written, "mcpServers", "coderank")
    assert json.loads(gone) == {key: value for key, value in json.loads(text).items() if key != "mcpServers"}


def test_a_comment_in_the_table_keeps_it() -> None:
    text = '{"mcpServers": {\n  // servers of the team\n}}'
    assert jsonc.take_out(jsonc.put(text, "mcpServers", "coderank", ENTRY), "mcpServers", "coderank") == text


@pytest.mark.parametrize(
    ("edits", "table", "text"),
    [
        (jsonc, "mcpServers", '{"a": 1, // x\n "mcpServers": {"coderank": {"command": "ancient"}, "b": {}}}'),
        (
            toml,
            "mcp_servers",
            '[mcp_servers.coderank]\ncommand = "ancient"\n[mcp_servers.coderank.env]\nA = "1"\n[tui]\n',
        ),
    ],
)
def test_an_older_entry_is_replaced_where_it_stands(edits: ModuleType, table: str, text: str) -> None:
    written = edits.put(text, table, "coderank", ENTRY)
    assert edits.find(written, table, "coderank") == ENTRY
    assert "ancient" not in written
    assert written.index("coderank") == text.index("coderank")
    assert edits.put(written, table, "coderank", ENTRY) == written


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '{"mcpServers": {"a": 1}', "{'a': 1}", '{"a": NaN}', "{,}", '{"a": 1,,}', "/* ", "[" * 100_000, "nul"],
)
def test_json_that_is_none_is_refused(text: str) -> None:
    for edit in (jsonc.find, jsonc.take_out):
        with pytest.raises((BrokenFileError, ForeignShapeError)):
            edit(text, "mcpServers", "coderank")
    with pytest.raises((BrokenFileError, ForeignShapeError)):
        jsonc.put(text, "mcpServers", "coderank", ENTRY)


@pytest.mark.parametrize(
    ("edits", "table", "text"),
    [
        (jsonc, "mcpServers", '{"mcpServers": []}'),
        (jsonc, "mcpServers", '{"mcpServers": null}'),
        (jsonc, "mcpServers", '{"mcpServers": {"coderank": "serve"}}'),
        (toml, "mcp_servers", "mcp_servers = 1\n"),
        (toml, "mcp_servers", "[[mcp_servers]]\n"),
        (toml, "mcp_servers", "[mcp_servers]\ncoderank = 1\n"),
    ],
)
def test_another_shape_is_refused(edits: ModuleType, table: str, text: str) -> None:
    with pytest.raises(ForeignShapeError):
        edits.put(text, table, "coderank", ENTRY)


@pytest.mark.parametrize(
    ("edits", "table", "text"),
    [
        (jsonc, "mcpServers", '{"mcpServers": {}, "mcpServers": {"a": {}}}'),
        (toml, "mcp_servers", 'mcp_servers = { coderank = { command = "c" } }\n'),
        (toml, "mcp_servers", 'mcp_servers.coderank.command = "c"\n'),
        (toml, "mcp_servers", "a = \n"),
    ],
)
def test_what_cannot_be_edited_without_harm_is_refused(edits: ModuleType, table: str, text: str) -> None:
    with pytest.raises(BrokenFileError):
        edits.put(text, table, "coderank", ENTRY)
