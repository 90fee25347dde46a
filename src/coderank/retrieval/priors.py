"""What code search knows beyond similarity: definitions, file names, tests, and files that repeat. Pure.

Fused scores say how much a chunk resembles the query. Someone who looks for code also wants the place where a name is
defined rather than used, the file that is named after the topic, the implementation before its tests, and ten hits
that are not ten pieces of one file. Each prior can be switched off alone (its constant set to 0, or 1 for a factor);
``benchmarks/LOG.md`` holds what each is worth.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from coderank.corpus.languages import by_name
from coderank.corpus.roles import is_aside, is_test
from coderank.corpus.syntax_rules import Kind
from coderank.embedding.stems import stem
from coderank.types import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.retrieval.query import QueryProfile
    from coderank.types import Chunk

MIN_ABBREVIATION = 3
"""Shortest part of a file's name, in characters, that may abbreviate a word of the query; 4 lost 0.002."""
DOUBT = 0.3
"""Factor for a definition in another spelling or of another owner than asked for: it may still be the one. 0.15 to
0.6 are alike on 20 repositories; at 0.6 ``search Session`` gave the function ``session`` before the class."""
CONTAINERS = frozenset({"__init__", "index", "init", "mod"})
"""Names of files that say nothing, because the folder's name is the name of what they hold: of a package in Python, a
folder in JavaScript, a module in Lua and in Rust."""


@dataclass(frozen=True, slots=True)
class Priors:
    """Strength of each prior. Boosts are shares of the best fused score of the list, so they hold on any scale."""

    definition: float = 1.2
    """A chunk that defines the name that is the whole query."""
    mentioned_definition: float = 0.2
    """A chunk that defines a name mentioned in a sentence."""
    stem: float = 0.4
    """All of a file's name occurs in the query."""
    path: float = 0.2
    """All of a folder's name occurs in the query."""
    file_evidence: float = 0.25
    """Several good chunks of one file speak for its best chunk."""
    test: float = 0.5
    """Factor for tests, unless the query is about tests."""
    aside: float = 0.6
    """Factor for examples, benchmarks, vendored and generated code, unless the query names them."""
    prose: float = 0.7
    """Factor for documentation and configuration beside code, unless the query asks for them."""
    repeated_file: float = 0.4
    """Factor for each further chunk of a file that is already in the list."""


DEFAULT = Priors()
ALIKE = Priors(test=1, aside=1, prose=1)
"""For code like given code: nobody said that tests or examples are not wanted."""
OFF = Priors(
    definition=0,
    mentioned_definition=0,
    stem=0,
    path=0,
    file_evidence=0,
    test=1,
    aside=1,
    prose=1,
    repeated_file=1,
)


def rank(
    profile: QueryProfile,
    candidates: Sequence[Candidate],
    limit: int,
    terms_of: Callable[[str], Sequence[str]],
    priors: Priors = DEFAULT,
) -> list[Candidate]:
    """Order candidates by fused score and priors; the best ``limit``, in the total order (-score, path, start_line).

    ``terms_of`` splits a text into lower-case terms, as the lexical leg does; the same function each time, since what
    it gives for a path is remembered.
    """
    if not candidates:
        return []
    ordered = sorted(candidates, key=lambda candidate: _key(candidate.score, candidate.chunk))
    top = abs(ordered[0].score)
    coverage = _Coverage(frozenset(map(stem, terms_of(profile.text))), terms_of)
    evidence = _file_evidence(ordered)
    place = {path: _Place(path, coverage, priors) for path in evidence}
    about_prose = bool(coverage.terms & _ABOUT_PROSE)
    scored = []
    for candidate in ordered:
        chunk = candidate.chunk
        here = place[chunk.path]
        # The first of a file in this order is its best chunk: it speaks for the file.
        boost = here.boost + _definition_boost(profile, chunk, priors) if profile.names else here.boost
        boost += priors.file_evidence * evidence.pop(chunk.path, 0.0)
        factor = here.factor if about_prose or _is_code(chunk.language) else here.factor * priors.prose
        scored.append((_damped(candidate.score + top * boost, factor), candidate))
    return [Candidate(one.id, one.chunk, score, one.score) for score, one in _spread(scored, priors, limit)]


def _key(score: float, chunk: Chunk) -> tuple[float, str, int]:
    return (-score, chunk.path, chunk.start_line)


def _file_evidence(ordered: Sequence[Candidate]) -> dict[str, float]:
    """Add up the scores of each file's chunks, as a share of the file that has most.

    In ranked order: a sum of floats depends on it, and the ranking must not depend on how candidates came in.
    """
    total: dict[str, float] = defaultdict(float)
    for candidate in ordered:
        total[candidate.chunk.path] += max(candidate.score, 0.0)
    most = max(total.values()) or 1.0
    return {path: evidence / most for path, evidence in total.items()}


class _Coverage(dict[str, float]):
    """How much of a file's or folder's name one query speaks of: a share of 1. Each name is met once."""

    def __init__(self, terms: frozenset[str], terms_of: Callable[[str], Sequence[str]]) -> None:
        super().__init__()
        self.terms = terms
        self._beginnings = {term[:end] for term in terms for end in range(MIN_ABBREVIATION, len(term))}
        self._any = terms | self._beginnings
        self._terms_of = terms_of
        self.about_tests = bool(terms & _ABOUT_TESTS)
        self.about_asides = bool(terms & _ABOUT_ASIDES)

    def __missing__(self, name: str) -> float:
        """Give the share of the name's parts, squared: half a name is less than half a match."""
        parts, beginnings = name_terms(name, self._terms_of)
        # Most names have nothing to do with the query, which two sets tell at once.
        met = 0 if self._any.isdisjoint(beginnings) else sum(map(self._meets, parts))
        share = self[name] = (met / len(parts)) ** 2 if met else 0.0
        return share

    def _meets(self, part: str) -> bool:
        """Tell whether a word is one of the query, abbreviates one or is abbreviated: ``impl`` for ``implement``."""
        return part in self._any or any(part[:end] in self.terms for end in range(MIN_ABBREVIATION, len(part)))


class _Place:
    """What a file's path says for and against all of its chunks."""

    __slots__ = ("boost", "factor")

    def __init__(self, path: str, coverage: _Coverage, priors: Priors) -> None:
        file_stem, folders = _names_of(path)
        self.boost = priors.stem * coverage[file_stem]
        self.boost += priors.path * max(map(coverage.__getitem__, folders), default=0.0)
        self.factor = 1.0
        if not coverage.about_tests and is_test(path):
            self.factor *= priors.test
        if not coverage.about_asides and is_aside(path):
            self.factor *= priors.aside


@lru_cache(maxsize=1 << 15)
def _names_of(path: str) -> tuple[str, tuple[str, ...]]:
    """Split a path into the name that says what the file is about, without its ending, and those of its folders."""
    *folders, name = path.split("/")
    file_stem = name.rpartition(".")[0] or name
    if folders and file_stem in CONTAINERS:
        file_stem = folders.pop()
    return file_stem, tuple(folders)


def _definition_boost(profile: QueryProfile, chunk: Chunk, priors: Priors) -> float:
    if not {name.lower() for name in chunk.defines}.intersection(profile.names):
        return 0.0
    # ``Helpers`` asks for the module rather than for the method ``helpers``.
    spelled = any(name in profile.text for name in chunk.defines)
    owners = set(re.split(r"\W+", f"{chunk.path} {chunk.symbol}".lower()))
    doubts = (not spelled) + (not owners.issuperset(profile.qualifiers))
    return (priors.definition if profile.is_symbol else priors.mentioned_definition) * DOUBT**doubts


@lru_cache(maxsize=1 << 15)
def name_terms(name: str, terms_of: Callable[[str], Sequence[str]]) -> tuple[frozenset[str], frozenset[str]]:
    """Split the name of a folder, or of a file without its ending, into the stems of its terms.

    Returns these, and with them all that they may begin with to be met.
    """
    terms = list(terms_of(name))
    # The whole name stands for its parts: keep the parts where there are several.
    parts = frozenset(map(stem, terms[1:] if len(terms) > 1 else terms))
    return parts, parts | {part[:end] for part in parts for end in range(MIN_ABBREVIATION, len(part))}


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_ABOUT_TESTS = _stems("test testing spec fixture mock pytest unittest")
_ABOUT_ASIDES = _stems("example sample demo benchmark bench doc documentation vendor generated legacy compat")
_ABOUT_PROSE = _stems(
    "doc docs documentation readme changelog guide tutorial markdown license config configuration yaml json toml setup"
)


@cache
def _is_code(language: str) -> bool:
    known = by_name(language)
    return known is not None and known.kind is Kind.CODE


def _spread(scored: Sequence[tuple[float, Candidate]], priors: Priors, limit: int) -> Iterator[tuple[float, Candidate]]:
    """Damp each further chunk of a file, so that one file does not fill the list, and give the best."""
    taken: dict[str, int] = defaultdict(int)
    damped = []
    for score, candidate in sorted(scored, key=_scored_key):
        path = candidate.chunk.path
        further = taken[path]
        taken[path] = further + 1
        damped.append((_damped(score, priors.repeated_file**further) if further else score, candidate))
    return islice(sorted(damped, key=_scored_key), limit)


def _damped(score: float, factor: float) -> float:
    """Lower a score by a factor up to one: a negative one grows in size."""
    return score * factor if score > 0 else score / factor


def _scored_key(item: tuple[float, Candidate]) -> tuple[float, str, int]:
    return _key(item[0], item[1].chunk)
