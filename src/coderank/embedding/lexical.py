"""The lexical side: identifier-aware terms and the BM25 weights of their stems as sparse vectors.

A stem is hashed to 32 bits by CRC-32, so that the same text gives the same vector in every process and release. The
inverse document frequency is not here: the store applies it at query time, from the documents it holds.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from coderank.embedding.stems import stem
from coderank.types import SparseVector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Part of an index's fingerprint: raise when the vector below changes for the same text.
TERMS_VERSION = 2
K1 = 1.2
"""Saturation of repeated terms: the customary BM25 value."""
B = 0.75
"""Strength of the length normalisation: the customary BM25 value."""
AVERAGE_TOKENS = 190.0
"""Length at which a document is neither boosted nor damped. A constant, so that no document has to be weighted again
when the corpus grows; the mean over 40-line chunks of 22 repositories in as many languages is 189."""

MAX_WORD = 128
"""Longest word, in characters, that is still split: above this it is encoded data, whose parts mean nothing."""
CACHED_WORDS = 1 << 16
"""Words whose hashes are remembered: the vocabulary of a large repository, about 15 MB when full."""

_PHRASING = (
    "a an and are as at be been by can could did do does for from had has have how i if in into is it its me my of on "
    "or our should so that the their them then there these they this those to us was we were what when where which "
    "who why will with would you your"
)
STOP_WORDS = frozenset(_PHRASING.split())
"""Words that only phrase a question."""

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CJK = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff]+)")


def tokens(text: str) -> list[str]:
    """List the terms of a text in reading order: every word in lower case, then its parts.

    ``parseHTTPResponse`` gives ``parsehttpresponse parse http response``; ``sha256_sum`` gives
    ``sha256_sum sha256 sha 256 sum``. Chinese, Japanese and Korean runs give overlapping pairs of characters.
    """
    return [term for word in _words(text) for term in _terms(word)]


def query_terms(text: str) -> list[str]:
    """List the distinct terms of a query, without the words that only phrase the question.

    Those words stay if nothing else is left.
    """
    words = _words(text)
    telling = [word for word in words if word.lower() not in STOP_WORDS]
    return list(dict.fromkeys(term for word in telling or words for term in _terms(word)))


def encode_document(text: str) -> SparseVector:
    """Weigh the stem of every term of a document by BM25's term-frequency factor."""
    frequencies: dict[int, int] = {}
    for word, count in Counter(_words(text)).items():
        for index in _hashes(word):
            frequencies[index] = frequencies.get(index, 0) + count
    damping = K1 * (1.0 - B + B * sum(frequencies.values()) / AVERAGE_TOKENS)
    indices = sorted(frequencies)
    gain = K1 + 1.0
    return SparseVector(
        indices=tuple(indices),
        values=tuple([(tf := frequencies[index]) * gain / (tf + damping) for index in indices]),
    )


def encode_query(text: str) -> SparseVector:
    """Give every distinct stem of a query the weight one."""
    indices = sorted({_hash(stem(term)) for term in query_terms(text)})
    return SparseVector(indices=tuple(indices), values=(1.0,) * len(indices))


def _words(text: str) -> list[str]:
    if not text.isascii():
        # Full-width letters, ligatures and separately written accents become the letters that a query is typed with.
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text)


@lru_cache(maxsize=CACHED_WORDS)
def _hashes(word: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_hash(stem(term)) for term in _terms(word)))


def _hash(term: str) -> int:
    # A lone surrogate has no UTF-8 form, and a name on disk may hold one.
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


def _terms(word: str) -> tuple[str, ...]:
    """List the distinct terms of one word, the whole word first."""
    whole = word.strip("_")
    if len(whole) > MAX_WORD:
        return (whole.lower(),)
    if whole.isascii():
        return _distinct([whole, *_identifier_parts(whole)])
    return _distinct(part for run in _CJK.split(whole) for part in _run_terms(run))


def _distinct(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term.lower() for term in terms if term))


def _run_terms(run: str) -> Iterator[str]:
    if _CJK.match(run):
        yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
    else:
        whole = run.strip("_")
        yield whole
        yield from _identifier_parts(whole)


def _identifier_parts(identifier: str) -> Iterator[str]:
    for segment in identifier.split("_"):
        yield segment
        yield from _case_parts(segment)


def _case_parts(segment: str) -> Iterator[str]:
    """Split at changes of case and between letters and digits; ``sha256`` is given whole, too."""
    previous_end = previous_start = 0
    for match in _PART.finditer(_shape(segment)):
        start, end = match.span()
        if start == previous_end > previous_start and segment[start].isdigit():
            yield segment[previous_start:end]
        yield segment[start:end]
        previous_start, previous_end = start, end


def _shape(segment: str) -> str:
    """Write each letter and digit as an ASCII one of its kind, which is all that the pattern looks at."""
    if segment.isascii():
        return segment
    return "".join(map(_shape_of, segment))


def _shape_of(char: str) -> str:
    if char.isascii():
        return char
    if char.isupper():
        return "A"
    return "0" if char.isdigit() else "a"
