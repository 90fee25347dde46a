"""Turn search results into JSON or plain text. Pure: returns values, writes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from coderank.types import SearchMode, Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.types import Hit, IndexInfo, SearchResult

EXCERPT_LINES = 8
"""Code lines shown per hit: enough to recognise most functions, and ten hits fit two screens of 50 lines."""

_MAX_PLAIN_COLUMNS = 400
"""Where a piped line is cut: longer than any line a person wrote, shorter than what makes a pager useless."""

_MIN_TERM = 3
"""Shorter query words (``a``, ``of``, ``is``) occur on most lines and tell nothing."""

_STEM_FLOOR = 4
_STEM_CUT = 3
"""A word matches by its beginning, up to three letters short: ``parsing`` finds ``parse``, ``locks`` finds ``lock``."""

_STOP_WORDS = frozenset(
    "and are but can code does for from has have how into its not our that the their then there this use used uses was "
    "were what when where which who why will with".split()
)
"""Words that ask rather than name; they would pull the excerpt towards prose."""

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""All control characters but the tab, line separators, and the marks that reorder text on a screen."""


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line of code to show; a jump in ``number`` means that lines were left out."""

    number: int
    """1-based line of the file."""
    text: str
    """Without its line end; control characters but the tab are escaped."""
    matches: bool
    """Whether a word of the query is on it."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of one hit."""

    path: str
    """Openable from where the caller stands; control characters are escaped."""
    span: str
    """``start-end``, or one number."""
    symbol: str
    score: str
    language: str
    first_line: int
    """1-based line of ``source[0]``."""
    source: tuple[str, ...]
    """Every line of the hit, escaped: a highlighter needs the lines before the ones it shows."""
    lines: tuple[ExcerptLine, ...]


def to_json(result: SearchResult, *, with_root: bool = False) -> str:
    """Render a result as one line of JSON; ``with_root`` adds the searched root to each hit."""
    document = {
        "query": result.query,
        "results": [_hit_fields(hit, with_root=with_root) for hit in result],
        "stages": [{"name": stage.name, "ms": round(stage.ms, 3), "detail": stage.detail} for stage in result.stages],
        "index": {
            "model": result.index.model,
            "chunks": result.index.chunks,
            "dense_coverage": result.index.dense_coverage,
            "tier": result.index.tier.value,
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(", ", ": "))


def _hit_fields(hit: Hit, *, with_root: bool) -> dict[str, str | int | float]:
    fields: dict[str, str | int | float] = {"root": hit.root} if with_root else {}
    return fields | {
        "path": hit.path,
        "start_line": hit.start_line,
        "end_line": hit.end_line,
        "language": hit.language,
        "symbol": hit.symbol,
        "score": hit.score,
        "content": hit.content,
    }


def to_text(result: SearchResult) -> str:
    """Render a result as plain text: a header and the lines that matter per hit, a blank line between hits."""
    return "\n".join(plain(shown) for shown in excerpts(result))


def plain(shown: Excerpt) -> str:
    """Render one excerpt as plain text that ends with a line end."""
    return "".join(f"{line}\n" for line in (header(shown), *_plain_lines(shown)))


def header(shown: Excerpt) -> str:
    """Render the line above the code: ``path:start-end  symbol  score``."""
    return "  ".join(part for part in (f"{shown.path}:{shown.span}", shown.symbol, shown.score) if part)


def _plain_lines(shown: Excerpt) -> Iterator[str]:
    width = number_width(shown)
    for number, text in numbered(shown):
        line = f"{number:>{width}}  {text}".rstrip()
        yield line if len(line) <= _MAX_PLAIN_COLUMNS else f"{line[: _MAX_PLAIN_COLUMNS - 3]}..."


def numbered(shown: Excerpt) -> Iterator[tuple[str, str]]:
    """Yield (line number, code) of an excerpt, with (``...``, empty) where lines between were left out."""
    previous = None
    for line in shown.lines:
        if previous is not None and line.number > previous + 1:
            yield "...", ""
        yield str(line.number), line.text
        previous = line.number


def number_width(shown: Excerpt) -> int:
    """Columns of the line numbers of an excerpt, indented by two."""
    return 2 + max((len(str(line.number)) for line in shown.lines), default=1)


def excerpts(result: SearchResult) -> Iterator[Excerpt]:
    """Yield what to show of every hit, best first."""
    terms = query_terms(result.query)
    return (excerpt(hit, terms) for hit in result)


def excerpt(hit: Hit, terms: Sequence[str], *, limit: int = EXCERPT_LINES) -> Excerpt:
    """Choose at most ``limit`` lines of a hit: its definition line and the stretch with most of the query's words."""
    lines = source_lines(hit)
    found = _terms_by_line(lines, terms)
    chosen = _choose(lines, terms, hit.symbol, limit)
    return Excerpt(
        path=place(hit),
        span=str(hit.start_line) if hit.end_line <= hit.start_line else f"{hit.start_line}-{hit.end_line}",
        symbol=visible(hit.symbol),
        score=f"{hit.score:.3f}",
        language=hit.language,
        first_line=hit.start_line,
        source=tuple(lines),
        lines=tuple(ExcerptLine(hit.start_line + i, lines[i], bool(found[i])) for i in chosen),
    )


def telling_lines(hit: Hit, terms: Sequence[str], limit: int) -> list[tuple[int, str]]:
    """Choose the same lines, and give each with its number (1-based, of the file)."""
    lines = source_lines(hit)
    return [(hit.start_line + i, lines[i]) for i in _choose(lines, terms, hit.symbol, limit)]


def source_lines(hit: Hit) -> list[str]:
    """Give the lines of a hit as they can be shown, without blank ones at the end."""
    lines = hit.content.split("\n")
    if not hit.content.replace("\n", "").replace("\t", "").isprintable():  # which is stricter: a few lines then differ
        lines = [visible(line.removesuffix("\r")) for line in lines]
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return lines


def place(hit: Hit) -> str:
    """Give the path of a hit's file as it can be shown, and opened from where the caller stands."""
    return visible(_joined(hit.root, hit.path))


def query_terms(query: str) -> tuple[str, ...]:
    """Split a query into the beginnings of its telling words, lower case, in order, without repeats."""
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", query)))
    telling = (word for word in words if word not in _STOP_WORDS and (len(word) >= _MIN_TERM or not word.isascii()))
    return tuple(dict.fromkeys(word[: max(_STEM_FLOOR, len(word) - _STEM_CUT)] for word in telling))


def visible(text: str) -> str:
    """Escape control characters, so that a name or a line of code can neither break the layout nor drive a terminal."""
    if text.isprintable():  # which is stricter, and twenty times as fast
        return text
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def percent(share: float) -> str:
    """Render a share from 0 to 1; only nothing is 0 % and only everything is 100 %."""
    if share <= 0:
        return "0 %"
    return "100 %" if share >= 1 else f"{min(99, max(1, int(100 * share)))} %"


def coverage_note(index: IndexInfo, outlook: str, mode: str = SearchMode.HYBRID) -> str:
    """Say what share of the chunks the answer could judge by meaning; empty if all, or if that was not wanted.

    ``outlook``: what happens next.
    """
    if not index.chunks or index.dense_coverage >= 1 or mode == SearchMode.LEXICAL:
        return ""
    covered = f"{percent(index.dense_coverage)} of {index.chunks:,} chunks have"
    if index.tier in {Tier.STATIC, Tier.BOTH}:
        share = "" if index.tier is Tier.STATIC else " in part"
        return f"results by static vectors{share}: {covered} those of {index.model} yet; {outlook}"
    none = "no results by meaning" if mode == SearchMode.DENSE else "lexical results only"
    kind = "partial results" if index.dense_coverage > 0 else none
    return f"{kind}: {covered} vectors yet; {outlook}"


def rerank_note(result: SearchResult) -> str:
    """Render what became of a reranking; empty where none was asked for."""
    return next((f"rerank: {stage.detail}" for stage in result.stages if stage.name == "rerank"), "")


def footer(result: SearchResult) -> str:
    """Render the account of a search in one line: hits, time by stage, what was searched."""
    count = f"{len(result)} hit{'' if len(result) == 1 else 's'}"
    total = sum(stage.ms for stage in result.stages)
    stages = ", ".join(f"{stage.name} {stage.ms:.1f}" for stage in result.stages)
    timing = f" in {total:.0f} ms ({stages})" if stages else ""
    return f"{count}{timing}; {result.index.chunks:,} chunks, {result.index.model}"


def _joined(root: str, path: str) -> str:
    if root in ("", ".", "./"):
        return path
    return f"{root.removesuffix('/')}/{path}"


def _terms_by_line(lines: Sequence[str], terms: Sequence[str]) -> list[int]:
    """Which terms are on each line, whatever their case: a bit for each term, by the order of their names."""
    folded = [line.lower() for line in lines]
    whole = "\n".join(folded)
    found = [0] * len(lines)
    for at, term in enumerate(sorted(term for term in terms if term in whole)):
        bit = 1 << at
        found = [here | bit if term in line else here for here, line in zip(found, folded, strict=True)]
    return found


def _choose(lines: Sequence[str], terms: Sequence[str], symbol: str, limit: int) -> list[int]:
    """Indices of the lines to show, ascending.

    Where little follows the definition, as after a module's docstring, what was asked for may stand above it.
    """
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if len(lines) - first <= limit:
        return list(range(first, len(lines)))
    anchor = _definition(lines, symbol, first)
    length = limit - 1
    begin = anchor + 1 if anchor + length < len(lines) else first
    start = _densest(_terms_by_line(lines, terms), begin, length)
    window = range(start, min(start + length, len(lines)))
    return sorted({anchor, *_without_blank_ends(window, lines)})


def _without_blank_ends(window: range, lines: Sequence[str]) -> range:
    full = [i for i in window if lines[i].strip()]
    return range(full[0], full[-1] + 1) if full else range(0)


def _definition(lines: Sequence[str], symbol: str, first: int) -> int:
    """The line that names the symbol, else the first one with text."""
    name = re.split(r"[.:#/\s]+", symbol)[-1]
    if not name:
        return first
    return next((i for i, line in enumerate(lines) if _is_word_of(line, name)), first)


def _is_word_of(line: str, name: str) -> bool:
    """Tell whether a name stands by itself somewhere on a line. A pattern for each name would be dear to make."""
    at = line.find(name)
    while at >= 0:
        end = at + len(name)
        if not _is_word(line[at - 1 : at]) and not _is_word(line[end : end + 1]):
            return True
        at = line.find(name, at + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _densest(found: Sequence[int], begin: int, length: int) -> int:
    """Where the stretch of ``length`` lines with the most telling words starts; the earliest of equals.

    A word counts once per stretch, by its rarity in the hit: a name on every line says nothing about where to look.
    """
    if length < 1 or not any(found):
        return begin
    bits = range(max(found).bit_length())
    met = [here for here in found if here]
    rarity = [1 / sum(here >> at & 1 for here in met) for at in bits]
    last = max(begin, len(found) - length)
    stretches = _joined_stretches(found, length)[begin : last + 1]
    # Most stretches have the words of the one before.
    weight = {terms: sum(rarity[at] for at in bits if terms >> at & 1) for terms in set(stretches)}
    weights = [weight[terms] for terms in stretches]
    return begin + weights.index(max(weights))


def _joined_stretches(found: Sequence[int], length: int) -> list[int]:
    """Which terms are on the ``length`` lines from each line on, fewer at the end."""
    joined, done = list(found), 1
    while done < length:
        step = min(done, length - done)
        joined = [here | there for here, there in zip_longest(joined, joined[step:], fillvalue=0)]
        done += step
    return joined
