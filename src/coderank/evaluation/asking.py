"""Ask the questions of a root through an engine, and judge what comes back."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from coderank.evaluation.judging import DEPTH, Place, Target, distinct_files, scores
from coderank.evaluation.metrics import CUT, median
from coderank.evaluation.runs import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.evaluation.datasets import Root
    from coderank.evaluation.judging import Question
    from coderank.types import SearchResult

_COUNTED = re.compile(r" on \d+ candidates")
RERANK = "rerank"
"""The stage of a search that says what became of reranking."""


class Search(Protocol):
    """One search of one root, as a user would do it."""

    def __call__(self, query: str, limit: int, *, rerank: bool) -> SearchResult:
        """Return the best ``limit`` hits."""
        ...


@dataclass(slots=True)
class Asked:
    """Answers, and what was seen while they were given."""

    answers: list[Answer] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds by stage, of every page of results."""
    spent: list[float] = field(default_factory=list)
    """Milliseconds of every page of results, all in all."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """What the reranking said of itself, without figures and reasons, and how often."""

    def medians(self) -> dict[str, float]:
        """Return the median milliseconds of each stage."""
        return {name: round(median(values), 3) for name, values in self.stages.items()}


def ask(root: Root, search: Search, names: Mapping[str, str], asked: Asked, *, rerank: bool) -> None:
    """Ask every question of a root and add the answers to ``asked``.

    ``names`` says which document each path is; of a repository it is empty. There, ten chunks are what is judged, as
    a user sees them, and a hundred are asked for besides. Of a set, distinct documents are judged, in one list.
    """
    paths = {name: path for path, name in names.items()}
    for question in root.questions:
        start = time.perf_counter()
        result = search(question.text, DEPTH if names else CUT, rerank=rerank)
        asked.spent.append((time.perf_counter() - start) * 1000)
        page = _places(result)
        if names:
            page = distinct_files(page)
            deep = page
        else:
            deep = _places(search(question.text, DEPTH, rerank=False))
        targets = _on_paths(question.targets, paths)
        worth = scores(targets, page, deep) if targets else {}
        asked.answers.append(_answer(question, root.language, page[:CUT], targets, worth, names))
        _watch(result, asked)


def searches_of_a_question(names: Mapping[str, str]) -> int:
    """Return how many searches `ask` makes for each question."""
    return 1 if names else 2


def _places(result: SearchResult) -> list[Place]:
    return [(hit.path, hit.start_line, hit.end_line) for hit in result]


def _on_paths(targets: Sequence[Target], paths: Mapping[str, str]) -> list[Target]:
    return [Target(paths[target.path], gain=target.gain) for target in targets] if paths else list(targets)


def _answer(
    question: Question,
    language: str,
    page: Sequence[Place],
    targets: Sequence[Target],
    found: dict[str, float],
    names: Mapping[str, str],
) -> Answer:
    return Answer(
        id=question.id,
        root=question.root,
        text=question.text,
        category=question.category,
        language=language,
        found=tuple(names[path] if names else f"{path}:{start}-{end}" for path, start, end in page),
        right=tuple(any(target.matches(place) for target in targets) for place in page),
        scores=found,
    )


def _watch(result: SearchResult, asked: Asked) -> None:
    for stage in result.stages:
        asked.stages.setdefault(stage.name, []).append(stage.ms)
        if stage.name == RERANK:
            asked.outcomes[_COUNTED.sub("", stage.detail.partition(":")[0])] += 1
