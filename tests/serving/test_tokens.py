"""The estimate grows with the text, and is near what a real tokenizer counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.serving.tokens import tokens

# (text, tokens by the tokenizer that the package anthropic 0.34 carried), counted once.
COUNTED = [
    ("def add(a, b):\n    return a + b\n", 13),
    ("The quick brown fox jumps over the lazy dog.", 10),
    ("export async function parseHTTPResponse(buffer: Uint8Array): Promise<Response> {\n", 19),
    ("for (size_t i = 0; i < n; ++i) {\n  total += values[i];\n}\n", 27),
    ("日本語のコメント", 8),
]


@pytest.mark.parametrize(("text", "counted"), COUNTED)
def test_the_estimate_is_near_the_count(text: str, counted: int) -> None:
    assert counted <= tokens(text) <= 2.2 * counted


def test_nothing_costs_nothing_and_any_line_costs_something() -> None:
    assert tokens("") == 0
    assert tokens("x") == 1


@given(st.text(), st.text())
def test_more_text_never_costs_less(first: str, second: str) -> None:
    assert tokens(first + second) >= tokens(first) - 1


PIECE = re.compile(r"[A-Za-z]{1,7}|[0-9]{1,3}|\n\s*|[ \t]{2,}|[^\x00-\x7f]|[^\sA-Za-z0-9\x80-\U0010ffff]{1,2}")
"""What the estimate is defined by: a line of ASCII is counted in another way."""
LINES = st.text(st.sampled_from("aZé09_-{}\"'\\ \t\r\f\x00\x1c日"), max_size=60)


@given(st.lists(LINES, max_size=4))
def test_counting_by_kinds_finds_what_the_pattern_finds(lines: list[str]) -> None:
    text = "\n".join(lines)
    foreign = sum(not character.isascii() for character in text)
    assert tokens(text) == round(1.08 * (len(PIECE.findall(text)) + foreign))
