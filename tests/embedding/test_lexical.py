from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.embedding import lexical
from coderank.embedding.lexical import MAX_WORD, encode_document, encode_query, query_terms, tokens
from coderank.embedding.stems import stem

WORDS = st.from_regex(r"[a-z]{1,12}", fullmatch=True)
TEXTS = st.text(alphabet=st.characters(), max_size=300)


def index_of(term: str) -> int:
    return zlib.crc32(stem(term).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("retry", "retry"),
        ("parseRequest", "parserequest parse request"),
        ("ParseRequest", "parserequest parse request"),
        ("parseHTTPResponse", "parsehttpresponse parse http response"),
        ("HTTPResponse", "httpresponse http response"),
        ("HTTP", "http"),
        ("userIDs", "userids user ids"),
        ("iOS", "ios i os"),
        ("get_user_name", "get_user_name get user name"),
        ("__init__", "init"),
        ("_private", "private"),
        ("MAX_RETRIES", "max_retries max retries"),
        ("get_HTTPCode", "get_httpcode get httpcode http code"),
        ("foo__bar", "foo__bar foo bar"),
        ("foo_foo", "foo_foo foo"),
        ("content-type", "content type"),
        ("utf8", "utf8 utf 8"),
        ("sha256_sum", "sha256_sum sha256 sha 256 sum"),
        ("computeSha256", "computesha256 compute sha sha256 256"),
        ("HTTP2Server", "http2server http http2 2 server"),
        ("x86_64", "x86_64 x86 x 86 64"),
        ("404", "404"),
        ("3.14", "3 14"),
        ("größeMaß", "größemaß größe maß"),
        ("ÜberGroß", "übergroß über groß"),
        ("ЧитатьФайл", "читатьфайл читать файл"),
        ("ｆｕｌｌ", "full"),
        ("cafe\u0301", "café"),
        ("处理请求", "处理 理请 请求"),
        ("处", "处"),
        ("处理HTTP请求", "处理 http 请求"),
        ("파일을", "파일 일을"),
        ("_", ""),
        ("->", ""),
    ],
)
def test_a_word_gives_itself_and_its_parts(word: str, expected: str) -> None:
    assert tokens(word) == expected.split()


def test_terms_come_in_reading_order_with_repetitions() -> None:
    assert tokens("if user: userName(user)") == ["if", "user", "username", "user", "name", "user"]


def test_encoded_data_is_not_split() -> None:
    blob = "aB3" * MAX_WORD
    assert tokens(blob) == [blob.lower()]


@given(st.lists(WORDS, max_size=30))
def test_lower_case_words_are_their_own_terms(words: list[str]) -> None:
    assert tokens(" ".join(words)) == words


@given(TEXTS)
def test_every_text_has_terms_without_blanks_or_capitals(text: str) -> None:
    for term in tokens(text):
        assert term == term.lower()
        assert term.split() == [term]


@given(TEXTS)
def test_every_text_has_vectors_the_store_accepts(text: str) -> None:
    for vector in (encode_document(text), encode_query(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert len(vector.values) == len(vector.indices)
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(math.isfinite(value) and value > 0 for value in vector.values)


@given(TEXTS)
def test_a_document_holds_exactly_the_stems_of_its_terms(text: str) -> None:
    assert set(encode_document(text).indices) == {index_of(term) for term in tokens(text)}


def weights(text: str) -> dict[int, float]:
    vector = encode_document(text)
    return dict(zip(vector.indices, vector.values, strict=True))


def test_weight_is_the_term_frequency_factor_of_bm25() -> None:
    length = 3
    norm = lexical.K1 * (1 - lexical.B + lexical.B * length / lexical.AVERAGE_TOKENS)
    expected = {
        index_of("cache"): 2 * (lexical.K1 + 1) / (2 + norm),
        index_of("miss"): 1 * (lexical.K1 + 1) / (1 + norm),
    }
    assert weights("cache miss cache") == pytest.approx(expected)


def test_repetition_adds_less_each_time_and_never_passes_the_limit() -> None:
    series = [weights("cache " * count)[index_of("cache")] for count in (1, 2, 4, 8)]
    gains = [after - before for before, after in itertools.pairwise(series)]
    assert gains == sorted(gains, reverse=True)
    assert series[-1] < lexical.K1 + 1


def test_the_same_term_weighs_less_in_a_longer_document() -> None:
    assert weights("cache")[index_of("cache")] > weights("cache " + "other " * 50)[index_of("cache")]


def test_colliding_terms_are_counted_together() -> None:
    assert index_of("plumless") == index_of("buckeroo")
    assert encode_document("plumless buckeroo") == encode_document("plumless plumless")


def test_empty_text_has_an_empty_vector() -> None:
    assert encode_document("").indices == encode_query(" ").indices == ()


def test_query_terms_are_distinct_and_weigh_one() -> None:
    vector = encode_query("retry Retry RETRY backoff")
    assert vector.indices == tuple(sorted((index_of("retry"), index_of("backoff"))))
    assert vector.values == (1.0, 1.0)


def test_words_that_only_phrase_the_question_are_left_out() -> None:
    assert query_terms("How does the parser handle an error?") == ["parser", "handle", "error"]


def test_they_stay_inside_identifiers() -> None:
    assert query_terms("isValid") == ["isvalid", "is", "valid"]


def test_they_stay_when_nothing_else_is_left() -> None:
    assert query_terms("what is this") == ["what", "is", "this"]


def test_vectors_are_the_same_in_every_process() -> None:
    program = (
        "from coderank.embedding.lexical import encode_document, encode_query\n"
        "text = 'parseHTTPResponse sha256 größe 处理请求 the cache of the cache'\n"
        "print(encode_document(text), encode_query(text))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_hashes_are_those_on_disk() -> None:
    """Indexes hold these numbers: a change of them needs a higher TERMS_VERSION."""
    assert encode_query("parseHTTPResponse").indices == (437670052, 2541227442, 3614172517, 3875980529)
