"""The stem that a word shares with its inflections: ``file`` and ``files``, ``parse``, ``parsed`` and ``parsing``.

A question and the code that answers it bend the same word in different ways. Only grammar is cut, no derivation:
``parser`` and ``configuration`` keep their endings. Compare Harman 1991, "How Effective Is Suffixing?" (the S-stemmer),
and Porter 1980, "An Algorithm for Suffix Stripping" (its first step).
"""

from __future__ import annotations

from functools import lru_cache

MIN_STEM = 3
"""Shortest stem, in characters: ``used`` stays whole, and so does ``key``."""
CACHED_TERMS = 1 << 16
"""Terms whose stems are remembered: as many as words in the lexical encoder."""
_ENDINGS = ("ings", "ing", "ied", "ies", "ed", "es", "s")
"""The longest comes first."""
_DOUBLING = frozenset({"ings", "ing", "ed"})
"""Endings before which a last consonant is doubled: ``stopped``."""
_KEPT_DOUBLE = frozenset("lsz")
"""Letters that are double without an ending, too: ``call``, ``pass``, ``buzz``."""


@lru_cache(maxsize=CACHED_TERMS)
def stem(term: str) -> str:
    """Cut the inflection off a lower-case term; what is none comes back as it is."""
    cut = _without_ending(term)
    # ``parse`` loses its last letter before ``ing``, ``query`` before ``ies``: so it does everywhere.
    return cut[:-1] if cut.endswith(("e", "y")) and len(cut) > MIN_STEM else cut


def _without_ending(term: str) -> str:
    if term.endswith("ss"):  # ``class`` is no plural
        return term
    for ending in _ENDINGS:
        if term.endswith(ending) and len(term) - len(ending) >= MIN_STEM:
            cut = term[: -len(ending)]
            doubled = ending in _DOUBLING and cut[-1] == cut[-2] and cut[-1] not in _KEPT_DOUBLE
            return cut[:-1] if doubled and len(cut) > MIN_STEM else cut
    return term
