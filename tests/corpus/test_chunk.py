from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderank.corpus.chunk import chunk
from coderank.corpus.language_table import LANGUAGES
from coderank.corpus.merging import CRUMB_CHARS, MAX_CHARS
from coderank.types import Chunk

PATHS = sorted("a" + language.extensions[0] for language in LANGUAGES)
CODE_PATHS = sorted("a" + language.extensions[0] for language in LANGUAGES if language.grammar)

FRAGMENTS = (
    "class A:\n",
    "    def f(self):\n",
    "        return 1\n",
    "def f(x) {\n",
    "function g() {\n",
    "}\n",
    "};\n",
    "end\n",
    "# note\n",
    "// note\n",
    "/* open",
    "*/\n",
    "```\n",
    "# Title\n",
    "====\n",
    "---\n",
    "\n",
    "\n\n\n",
    "   \t \n",
    "\r\n",
    "\f\x0b\x85\u2028",
    "impl X for Y {\n",
    "pub const X = struct {\n",
    "template <typename T>\n",
    "module M where\n",
    "f 0 = 1\n",
    "(" * 40,
    "é日本\U0001f600" * 20,
    "x = " + "y + " * 300 + "1\n",
    "call(a, b)\n" * 60,
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=30), max_size=40).map("".join)


def assert_covers(text: str, chunks: list[Chunk]) -> None:
    if not text.strip():
        assert chunks == []
        return
    lines = text.removesuffix("\n").split("\n")
    line = 1
    for each in chunks:
        assert each.start_line == line
        assert each.end_line >= each.start_line
        assert each.content == "\n".join(lines[each.start_line - 1 : each.end_line])
        assert each.content.strip()
        line = each.end_line + 1
    assert line == len(lines) + 1


def assert_fits(chunks: list[Chunk]) -> None:
    for each in chunks:
        weights = [len(line.strip()) for line in each.content.split("\n")]
        assert sum(weights) <= MAX_CHARS + CRUMB_CHARS + max(weights) * (max(weights) > MAX_CHARS)


@given(path=st.sampled_from(PATHS), text=TEXTS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_line_is_in_exactly_one_chunk(path: str, text: str) -> None:
    text = text.replace("\0", "")
    chunks = chunk(path, text)
    assert_covers(text, chunks)
    assert_fits(chunks)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "text",
    [
        "x" * 500_000,
        "a b " * 20_000 + "\nsecond\n",
        "{[(" * 30_000,
        "{\n" * 20_000,
        "\n" * 5000 + "x\n" + "\n" * 5000,
        "\ud800 lone surrogate\n",
        "a\r\nb\r\n",
        "no newline at the end",
    ],
    ids=["one line", "long line", "deep line", "deep lines", "blank", "surrogate", "crlf", "no newline"],
)
def test_hostile_text_is_chunked(path: str, text: str) -> None:
    assert_covers(text, chunk(path, text))


@pytest.mark.parametrize(
    ("path", "opening"),
    [
        ("a.py", "def f():\n" + "".join(" " * depth + "if x:\n" for depth in range(1, 90))),
        ("a.js", "function f() {\n" * 20_000),
        ("a.rb", "class A\n" * 20_000),
        ("a.rs", "mod a {\n" * 20_000),
        ("a.cpp", "namespace a {\n" * 20_000),
        ("a.py", "(" * 100_000),
    ],
)
def test_deep_nesting_needs_no_recursion(path: str, opening: str) -> None:
    assert_covers(opening, chunk(path, opening))


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n \r\n"])
def test_blank_file_gives_no_chunk(text: str) -> None:
    assert all(chunk(path, text) == [] for path in PATHS)


@pytest.mark.parametrize("path", CODE_PATHS)
def test_chunks_are_the_same_every_time(path: str) -> None:
    text = "".join(FRAGMENTS)
    assert chunk(path, text) == chunk(path, text)


def test_data_is_cut_at_blank_lines() -> None:
    paragraph = "key: value\n" * 90 + "\n"
    chunks = chunk("a.yaml", paragraph * 3)
    assert [each.start_line for each in chunks] == [1, 92, 183]
    assert {(each.language, each.symbol, each.defines) for each in chunks} == {("yaml", "", ())}
