"""Near-duplicates: within the training pairs, and between them and whatever a model is measured on."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

from datasketch import MinHash, MinHashLSH

from coderank.corpus.chunk import chunk
from coderank.corpus.read import read
from coderank.corpus.walk import walk
from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from training.pair import Pair

PERMUTATIONS = 64
"""Of a sketch: its estimate of a similarity has a standard deviation of 0.06, and 300,000 sketches fit in memory."""
SHINGLE = 4
"""Words that make one shingle."""
ALIKE = 0.8
"""Jaccard similarity of two pairs of which one is dropped."""
LEAKED = 0.55
"""Jaccard similarity to a text of an evaluation from which on a pair is dropped: stricter, since a function is measured
without its comment, with names taken out, or in another layout."""
MOST_ASKED = 2
"""Times that the same summary is kept: "Returns a string representation" asks for nothing in particular."""
_NAME = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Give the words of a text without its layout, which differs between sources."""
    return _NAME.findall(text.lower())


def sketch(text: str) -> MinHash | None:
    """Sketch a text of joined words by its shingles; nothing where it is too short to have some."""
    found = text.split()
    shingles = {" ".join(found[at : at + SHINGLE]).encode() for at in range(len(found) - SHINGLE + 1)}
    if len(shingles) < SHINGLE:
        return None
    made = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)
    made.update_batch(sorted(shingles))
    return made


class Measured:
    """What is measured on: exact texts, and their sketches."""

    def __init__(self, sets: Path, repositories: Path) -> None:
        """Read every set below a folder, and the repositories that the questions of localisation are asked of."""
        self._exact: set[str] = set()
        self._near = MinHashLSH(threshold=LEAKED, num_perm=PERMUTATIONS)
        self.texts = 0
        for text in [*_sets(sets), *_repositories(sets, repositories)]:
            self.texts += 1
            joined = " ".join(words(text))
            self._exact.add(joined)
            if (made := sketch(joined)) is not None:
                self._near.insert(self.texts, made)

    def why(self, question: str, code: str, made: MinHash | None) -> str:
        """Say why a pair must not be trained on; nothing if it may. Both texts are joined words."""
        if code in self._exact:
            return "the same code as in an evaluation"
        if question in self._exact:
            return "the same question as in an evaluation"
        return "nearly the same code as in an evaluation" if made is not None and self._near.query(made) else ""


def _sets(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*/*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)["text"]


def _repositories(sets: Path, folder: Path) -> Iterator[str]:
    for place in json.loads((sets / "localisation" / "repos.json").read_text("utf-8")):
        root = folder / place["name"]
        for entry in walk(root).files:
            found = read(root, entry)
            if not isinstance(found, Skip):
                yield from (one.content for one in chunk(entry.path, found.text))


class Distinct:
    """Lets each text pass once."""

    def __init__(self) -> None:
        self._exact: set[str] = set()
        self._near = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS)

    def is_new(self, text: str, made: MinHash | None) -> bool:
        """Tell whether nothing like a text, of joined words, was seen before, and remember it."""
        if text in self._exact:
            return False
        self._exact.add(text)
        if made is None:
            return True
        if self._near.query(made):
            return False
        self._near.insert(len(self._exact), made)
        return True


def drop(pairs: Iterable[Pair], measured: Measured, counts: dict[str, int]) -> Iterator[Pair]:
    """Let pass what is neither measured on nor seen before; count what is dropped, by reason."""
    distinct, asked = Distinct(), dict[str, int]()
    for pair in pairs:
        question, code = (" ".join(words(text)) for text in (pair.summary, pair.bare))
        asked[question] = asked.get(question, 0) + 1
        made = sketch(code)
        if asked[question] > MOST_ASKED:
            reason = "a question that others ask"
        elif reason := measured.why(question, code, made):
            pass
        elif not distinct.is_new(code, made):
            reason = "a near-duplicate of another pair"
        counts[reason or "kept"] = counts.get(reason or "kept", 0) + 1
        if not reason:
            yield pair
