"""Stems: inflections meet, words that only look inflected stay apart from what they are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.embedding.lexical import encode_document, encode_query
from coderank.embedding.stems import MIN_STEM, stem


@pytest.mark.parametrize(
    "forms",
    [
        "file files",
        "return returns returned returning",
        "parse parses parsed parsing",
        "class classes",
        "query queries querying queried",
        "entry entries",
        "stop stops stopped stopping",
        "pass passes passed passing",
        "process processes processing",
        "string strings",
        "key keys",
    ],
)
def test_the_inflections_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("words", ["call cal", "parse parser", "class clam", "user use", "configure configuration"])
def test_other_words_are_kept_apart(words: str) -> None:
    one, other = words.split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize("word", ["is", "bus", "ring", "red", "fly", "http", "404", "处理", "größe"[:3], ""])
def test_short_words_and_words_without_an_ending_stay(word: str) -> None:
    assert stem(word) == word


@given(st.text(max_size=40))
def test_a_stem_begins_the_word_and_is_not_too_short(term: str) -> None:
    found = stem(term)
    assert term.startswith(found)
    assert found == term or len(found) >= MIN_STEM


def test_a_question_meets_code_in_another_form() -> None:
    code = encode_document("def closeConnections(pool): ...")
    asked = encode_query("closing a connection")
    assert len(set(asked.indices) & set(code.indices)) == 2
