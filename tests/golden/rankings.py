"""Rank a small pinned corpus by today's engine, and write it as a page that a reviewer can read.

``make golden`` rewrites ``rankings.txt``; ``tests/test_golden_rankings.py`` compares. A change of the ranking is then a
change of that file, to be looked at line by line. Corpus and questions were written for this, in a language a person
would choose for each part.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from coderank import Engine
from coderank.evaluation import golden
from coderank.evaluation.asking import Asked, ask
from coderank.evaluation.judging import MEASURES
from coderank.evaluation.metrics import mean
from coderank.settings import Settings
from coderank.types import SearchResult

HERE = Path(__file__).parent
PAGE = HERE / "rankings.txt"
MODEL = "coderank-mini"
MODES = ("hybrid", "lexical")
SHOWN = 5
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One hit of one question: where it is, whether that is right, and its score."""

    place: str
    right: bool
    score: float

    def __str__(self) -> str:
        return f"  {'*' if self.right else ' '} {self.score:.{DIGITS}f}  {self.place}"


Rankings = dict[tuple[str, str], list[Line]]
"""By mode and question."""


def rank() -> tuple[Rankings, dict[str, dict[str, float]], str]:
    """Index the corpus from nothing and ask every question; return hits, measures by mode, and what was indexed."""
    (root,) = golden.read(HERE / "questions.jsonl").roots
    rankings: Rankings = {}
    measures = {}
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(data_dir=Path(scratch) / "data", cache_dir=Path(scratch) / "cache", background=False)
        with Engine.open(HERE / "corpus", model=MODEL, settings=settings) as engine:
            report = engine.index()
            for mode in MODES:
                asked = Asked()
                seen: dict[str, SearchResult] = {}

                def search(query: str, limit: int, *, rerank: bool, mode: str = mode) -> SearchResult:
                    result = engine.search(query, limit=limit, mode=mode, rerank=rerank)
                    return seen.setdefault(query, result)  # noqa: B023 - called before the next round

                ask(root, search, {}, asked, rerank=False)
                for answer in asked.answers:
                    scores = [hit.score for hit in seen[answer.text]]
                    found = list(zip(answer.found, answer.right, scores, strict=True))[:SHOWN]
                    rankings[mode, answer.text] = [
                        Line(place, right, round(score, DIGITS)) for place, right, score in found
                    ]
                measures[mode] = {name: mean([one.scores[name] for one in asked.answers]) for name in MEASURES}
    return rankings, measures, f"{report.files} files, {report.chunks} chunks, {len(root.questions)} questions, {MODEL}"


def render(rankings: Rankings, measures: dict[str, dict[str, float]], what: str) -> str:
    """Write the page."""
    lines = [f"# {what}", "# a star marks a right answer; `make golden` rewrites this page"]
    for mode, found in measures.items():
        lines.append(f"# {mode}: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    for (mode, question), hits in rankings.items():
        lines += ["", f"{mode}: {question}", *map(str, hits)]
    return "\n".join(lines) + "\n"


def parse(page: str) -> Rankings:
    """Read the page."""
    rankings: Rankings = {}
    for block in page.split("\n\n")[1:]:
        head, *lines = block.strip("\n").split("\n")
        mode, _, question = head.partition(": ")
        rankings[mode, question] = [Line(line[11:], line[2] == "*", float(line[4:10])) for line in lines]
    return rankings


if __name__ == "__main__":
    PAGE.write_text(render(*rank()), "utf-8")
