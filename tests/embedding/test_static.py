"""The static embedder against a reference in plain numpy, over what the tokenizer itself says."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.static_table import random_table

from coderank.embedding.static import StaticEmbedder, StaticTable
from coderank.embedding.tokenizer import load_tokenizer
from coderank.embedding.word_pieces import KEPT_WORDS, WordPieces
from coderank.errors import ModelUnavailableError

DIMENSION = 16
MAX_TOKENS = 512
TABLE = random_table(DIMENSION)
SOURCE = Path(__file__).read_text("utf-8")
TEXTS = [
    "def close_all(self): ...",
    "find the place where sessions are closed",
    SOURCE,
    SOURCE * 9,
    "x" * 101 + " " + "x" * 100,
    "a" * 40_000,
    "größer naïve Ärger — 你好",
    "[MASK] of [CLS]",
    "one\x0btwo\x00three\x7f",
    "\t\r\n mixed\twhite \n space\r\n",
    "HTTPServer_2 + $foo ^ `bar` | ~baz <=> #include",
]


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return StaticEmbedder("random", DIMENSION, MAX_TOKENS, lambda: TABLE)


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces(MAX_TOKENS)


def ids_of(text: str) -> list[int]:
    """Token ids of a text as the tokenizer gives them, the special ones around it left out."""
    tokenizer = load_tokenizer(MAX_TOKENS + 2)
    return tokenizer.encode(text[: 32 * MAX_TOKENS]).ids[1:-1]


def reference(text: str) -> np.ndarray:
    """The vector of a text as the format of the table defines it."""
    total = np.zeros(DIMENSION)
    for id_ in ids_of(text):
        total += float(TABLE.scales[id_]) * TABLE.vectors[id_].astype(np.float64)
    return total / np.linalg.norm(total)


def tally(counted: Iterable[tuple[list[int], list[int]]]) -> dict[int, int]:
    total: dict[int, int] = {}
    (only,) = counted
    for id_, times in zip(*only, strict=True):
        total[id_] = total.get(id_, 0) + times
    return total


def expected(text: str) -> dict[int, int]:
    ids = ids_of(text)
    return {id_: ids.count(id_) for id_ in ids}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_vectors_are_those_of_the_reference(embedder: StaticEmbedder, text: str) -> None:
    (vector,) = embedder.embed_documents([text])
    np.testing.assert_allclose(vector, reference(text), atol=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_tokens_are_those_of_the_tokenizer(pieces: WordPieces, text: str) -> None:
    assert tally(pieces.count([text])) == expected(text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=300))
def test_any_ascii_text_has_the_tokens_of_the_tokenizer(pieces: WordPieces, text: str) -> None:
    assert tally(pieces.count([text])) == expected(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*"_.([{\n", "self", "Ünder", "getElementById", "[SEP]", " "]), max_size=1200))
def test_any_mixture_has_the_tokens_of_the_tokenizer(pieces: WordPieces, parts: list[str]) -> None:
    text = "".join(parts)
    assert tally(pieces.count([text])) == expected(text)


def test_a_text_has_the_same_vector_alone_and_among_others(embedder: StaticEmbedder) -> None:
    together = embedder.embed_documents(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_array_equal(embedder.embed_documents([text])[0], vector)
        np.testing.assert_array_equal(embedder.embed_query(text), vector)


def test_only_so_many_tokens_are_read(embedder: StaticEmbedder) -> None:
    short = StaticEmbedder("random", DIMENSION, 3, lambda: TABLE)
    np.testing.assert_array_equal(short.embed_query("alpha beta gamma delta"), embedder.embed_query("alpha beta gamma"))


def test_a_text_without_weight_resembles_nothing(embedder: StaticEmbedder) -> None:
    vectors = embedder.embed_documents(["", "word"])
    assert not vectors[0].any()
    assert vectors[1].any()
    assert embedder.embed_documents([]).shape == (0, DIMENSION)


def test_words_are_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT_WORDS > 1000
    monkeypatch.setattr("coderank.embedding.word_pieces.KEPT_WORDS", 2)
    pieces = WordPieces(MAX_TOKENS)
    for text in ("one two three four", "five one two", "one five"):
        assert tally(pieces.count([text])) == expected(text)


def test_threads_get_the_vectors_of_one_alone(embedder: StaticEmbedder) -> None:
    fresh = StaticEmbedder("random", DIMENSION, MAX_TOKENS, lambda: TABLE)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(fresh.embed_documents(TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found:
        np.testing.assert_array_equal(vectors, embedder.embed_documents(TEXTS))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (StaticTable(TABLE.vectors[:, :8], TABLE.scales), r"\(30522, 8\)"),
        (StaticTable(TABLE.vectors[:9], TABLE.scales), r"\(9, 16\)"),
        (StaticTable(TABLE.vectors, TABLE.scales[:9]), r"\(9,\)"),
        (StaticTable(TABLE.vectors, np.full_like(TABLE.scales, np.nan)), "not finite"),
    ],
)
def test_a_table_of_another_model_is_refused(table: StaticTable, said: str) -> None:
    embedder = StaticEmbedder("random", DIMENSION, MAX_TOKENS, lambda: table)
    with pytest.raises(ModelUnavailableError, match=said):
        embedder.embed_query("x")
