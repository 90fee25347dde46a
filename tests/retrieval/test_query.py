from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.retrieval.query import profile


@pytest.mark.parametrize(
    ("query", "names", "qualifiers"),
    [
        ("HTTPAdapter", ("httpadapter",), ()),
        ("response", ("response",), ()),
        ("Session.send", ("send",), ("session",)),
        ("Sinatra::Base", ("base",), ("sinatra",)),
        ("std::vector::push_back()", ("push_back",), ("std", "vector")),
        ("node->next", ("next",), ("node",)),
        ("Foo#bar?", ("bar",), ("foo",)),
        ("$scope", ("scope",), ()),
        ("uv__io_poll", ("uv__io_poll",), ()),
        ("  spaced_out  ", ("spaced_out",), ()),
    ],
)
def test_a_name_is_asked_for_by_its_last_part(query: str, names: tuple[str, ...], qualifiers: tuple[str, ...]) -> None:
    asked = profile(query)
    assert asked.is_symbol
    assert (asked.names, asked.qualifiers) == (names, qualifiers)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("how does HTTPAdapter send a request", ("httpadapter",)),
        ("where is parse_args called", ("parse_args",)),
        ("difference of getValue and Session.send", ("getvalue", "send")),
        ("bash completion generation", ()),
        ("what is e.g. a token", ()),
        ("IDNA encoding", ()),
    ],
)
def test_a_sentence_may_mention_names(query: str, names: tuple[str, ...]) -> None:
    asked = profile(query)
    assert not asked.is_symbol
    assert asked.names == names


@given(st.text(max_size=200))
def test_any_text_has_a_profile(query: str) -> None:
    asked = profile(query)
    assert asked.text == query.strip()
    assert all(name == name.lower() and name for name in asked.names + asked.qualifiers)


def test_a_long_line_of_word_characters_is_read_in_linear_time() -> None:
    # A pattern that backtracks would need hours for this.
    assert profile("a_" * 20_000 + "!").names
    assert profile("aA" * 20_000 + " - ").names
