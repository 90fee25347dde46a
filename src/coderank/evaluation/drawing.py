"""Draw questions with known answers from what a tree says already: doc strings, headings and its history.

A doc string answers itself: its words stand in the very chunk that is looked for. So every question names the lines
that say it, and `coderank compare` takes them out of copies of both indexes before it asks (`masked`). What is left to
be found is the code below a doc string, the section below a heading, and the files of a commit. Pure but for git.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from coderank.evaluation.golden import Asked, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from coderank.types import Chunk

DOC_STRING, HEADING, COMMIT = "doc string", "heading", "commit"
SEED = 20_260
FEWEST_WORDS, MOST_WORDS = 4, 30
"""Of a question: fewer do not tell one place from others, more are an essay."""
FEWEST_WORDS_OF_HEADING = 3
LEAST_CODE = 3
"""Lines that have to be left below a doc string."""
MOST_FILES = 3
"""Of a commit: one that changes more is about none of them."""
MOST_COMMITS = 3_000
_MARKS = " \t#*/-\"'"
_PROSE = frozenset({"markdown", "restructuredtext"})
_PYTHON = re.compile(r'^[ \t]*[rbuRBU]{0,2}("""|\'\'\')(.*?)\1', re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"\s*(?:///?!?|/\*\*?|\*/?|--+\|?|;;+|#(?![!\[a-z]))\s?(.*?)(?:\*/)?\s*$")
_SENTENCE = re.compile(r"(.+?)(?:[.!?](?=\s|$)|$)", re.DOTALL)
_NO_QUESTION = re.compile(r"@\w|copyright|licen[cs]e|todo|fixme|https?:|:param|>>>|eslint|noqa|nolint", re.IGNORECASE)
_CHORE = re.compile(
    r"^(merge|revert|bump|release|version|update (dependenc|changelog|readme)|wip\b|typo|fix typo|lint|format|prepare)|"
    r"\bv?\d+\.\d+\.\d+",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^\s*(\w+(\([^)]*\))?!?:|\[[^\]]*\])\s*")
_REFERENCE = re.compile(r"\s*\(?(#\d+|[A-Z]+-\d+)\)?")


def draw(chunks: Sequence[Chunk], history: Iterable[tuple[str, Sequence[str]]], wanted: int) -> list[Asked]:
    """Draw up to ``wanted`` questions, as many as possible of each source, the same ones every time.

    ``history`` gives the subject and the files of commits. A question that two places ask is drawn of neither.
    """
    paths = {chunk.path for chunk in chunks}
    found = [*_doc_strings(chunks), *_headings(chunks), *_commits(history, paths)]
    counts = Counter(one.query.lower() for one in found)
    kinds: dict[str, list[Asked]] = {DOC_STRING: [], HEADING: [], COMMIT: []}
    for one in found:
        if counts[one.query.lower()] == 1:
            kinds[one.category].append(one)
    dice = random.Random(SEED)  # noqa: S311 - a draw that can be repeated
    for members in kinds.values():
        dice.shuffle(members)
    return _dealt(list(kinds.values()), wanted)


def _dealt(kinds: list[list[Asked]], wanted: int) -> list[Asked]:
    """Take one of each kind in turn until there are enough, then put each kind together."""
    taken = [0] * len(kinds)
    while sum(taken) < min(wanted, sum(map(len, kinds))):
        for n, members in enumerate(kinds):
            if taken[n] < len(members) and sum(taken) < wanted:
                taken[n] += 1
    return [one for n, members in enumerate(kinds) for one in members[: taken[n]]]


def told(asked: Sequence[Asked]) -> str:
    """Say how many questions were drawn, and from where."""
    counts = Counter(one.category for one in asked)
    parts = [f"{counts[kind]} from {kind}s" for kind in (DOC_STRING, HEADING, COMMIT) if counts[kind]]
    return f"drew {len(asked)} questions: {', '.join(parts) or 'nothing to draw from'}"


def _doc_strings(chunks: Sequence[Chunk]) -> Iterator[Asked]:
    for chunk in chunks:
        if not chunk.symbol or chunk.language in _PROSE:
            continue
        found = _python(chunk) if chunk.language == "python" else _leading_comment(chunk)
        if found is None:
            continue
        text, first, last = found
        query = _question(text)
        left = [line for line in _without(chunk, first, last).splitlines() if line.strip()]
        if query and len(left) >= LEAST_CODE:
            hidden = Place(chunk.path, chunk.start_line + first, chunk.start_line + last)
            yield Asked(query, (chunk.path,), category=DOC_STRING, hides=(hidden,))


def _python(chunk: Chunk) -> tuple[str, int, int] | None:
    """Return the text of the first doc string of a chunk, and its first and last line counted from 0."""
    match = _PYTHON.search(chunk.content)
    if match is None:
        return None
    return match[2], chunk.content.count("\n", 0, match.start()), chunk.content.count("\n", 0, match.end())


def _leading_comment(chunk: Chunk) -> tuple[str, int, int] | None:
    texts = []
    lines = chunk.content.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    for line in lines[first:]:
        match = _COMMENT.match(line)
        if match is None:
            break
        texts.append(match[1])
    return ("\n".join(texts), first, first + len(texts) - 1) if texts else None


def _question(text: str, fewest: int = FEWEST_WORDS) -> str:
    """Return the first sentence of a text if it is one that a person might ask."""
    paragraph = next((part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()), "")
    match = _SENTENCE.match(" ".join(paragraph.split()))
    sentence = match[1].strip(" *=-_`#") if match else ""
    words = re.findall(r"[^\W\d_]{2,}", sentence)
    if not fewest <= len(words) <= MOST_WORDS or _NO_QUESTION.search(sentence):
        return ""
    return sentence


def _headings(chunks: Sequence[Chunk]) -> Iterator[Asked]:
    for chunk in chunks:
        if chunk.language != "markdown":
            continue
        fenced = False
        for number, line in enumerate(chunk.content.split("\n"), start=chunk.start_line):
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            if line.startswith("#") and not fenced:
                query = _question(line.lstrip("# "), FEWEST_WORDS_OF_HEADING)
                if query:
                    yield Asked(query, (chunk.path,), category=HEADING, hides=(Place(chunk.path, number, number),))


def _commits(history: Iterable[tuple[str, Sequence[str]]], paths: set[str]) -> Iterator[Asked]:
    for subject, changed in history:
        files = [path for path in changed if path in paths and not path.lower().endswith((".md", ".rst", ".txt"))]
        query = _question(_REFERENCE.sub("", _PREFIX.sub("", subject)))
        if query and files and len(changed) <= MOST_FILES and not _CHORE.search(subject):
            yield Asked(query, tuple(files), category=COMMIT)


def history(root: Path) -> list[tuple[str, list[str]]]:
    """Read subjects and files of the newest commits, paths relative to ``root``; nothing where there is no history."""
    # A repository's own configuration must start no program: signatures are checked by one that it names.
    quiet = ["--no-merges", "--no-show-signature", "--no-ext-diff", "--no-textconv"]
    command = ["git", "-C", str(root), "log", *quiet, f"-{MOST_COMMITS}", "--relative", "--name-only", "-z"]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own git, with arguments of ours
            [*command, "--format=%x01%s"], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return []
    commits = []
    for block in done.stdout.decode("utf-8", "replace").split("\x01")[1:]:
        subject, _, files = block.partition("\0")
        commits.append((subject.strip(), [path for path in files.replace("\n", "").split("\0") if path]))
    return commits


def masked(chunks: Sequence[Chunk], hidden: Sequence[Place]) -> list[Chunk]:
    """Blank lines of one file in its chunks, and take their words out of the headers of all of them."""
    texts = {text for chunk in chunks for text in _hidden_texts(chunk, hidden)}
    return [_masked(chunk, hidden, texts) for chunk in chunks]


def _hidden_texts(chunk: Chunk, hidden: Sequence[Place]) -> Iterator[str]:
    for number, line in enumerate(chunk.content.split("\n"), start=chunk.start_line):
        text = line.strip(_MARKS)
        if text and _is_hidden(number, hidden):
            yield text


def _masked(chunk: Chunk, hidden: Sequence[Place], texts: Iterable[str]) -> Chunk:
    lines = enumerate(chunk.content.split("\n"), start=chunk.start_line)
    symbol, signature = chunk.symbol, chunk.signature
    for text in texts:
        symbol, signature = symbol.replace(text, ""), signature.replace(text, "")
    content = "\n".join("" if _is_hidden(number, hidden) else line for number, line in lines)
    return replace(chunk, content=content, symbol=symbol.strip(" ."), signature=signature)


def _is_hidden(number: int, hidden: Sequence[Place]) -> bool:
    return any((place.start_line or 1) <= number <= (place.end_line or 0) for place in hidden)


def _without(chunk: Chunk, first: int, last: int) -> str:
    return "\n".join(line for n, line in enumerate(chunk.content.split("\n")) if not first <= n <= last)
