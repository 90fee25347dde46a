"""Localisation: which file of a repository answers the question? Loads the data set and scores predictions.

The measure is that of the data set's own ``score.py``, which can be asked, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.evaluation.metrics import CUT, dcg, mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Place = tuple[str, int, int]
"""Path, first and last line of one result."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file that answers a question, or a span of it."""

    path: str
    span: tuple[int, int] | None = None

    def matches(self, place: Place) -> bool:
        """Equal paths, or one a suffix of the other at a slash; a span has to share a line with the result."""
        path, start, end = place
        if not (path == self.path or path.endswith(f"/{self.path}") or self.path.endswith(f"/{path}")):
            return False
        return self.span is None or (start <= self.span[1] and end >= self.span[0])


@dataclass(frozen=True, slots=True)
class Question:
    """One labelled query about one repository."""

    repository: str
    text: str
    category: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """A pinned repository; ``folder`` is the part of it that is indexed."""

    name: str
    language: str
    folder: str
    questions: tuple[Question, ...]


def load(data: Path, only: Sequence[str] = ()) -> list[Repository]:
    """Read the data set, all of it or the repositories of these names."""
    specs = json.loads((data / "repos.json").read_text("utf-8"))
    return [
        Repository(
            name=spec["name"],
            language=spec["language"],
            folder=f"{spec['name']}/{spec.get('benchmark_root') or ''}",
            questions=_questions(data, spec["name"]),
        )
        for spec in specs
        if not only or spec["name"] in only
    ]


def _questions(data: Path, name: str) -> tuple[Question, ...]:
    items = json.loads((data / "annotations" / f"{name}.json").read_text("utf-8"))
    return tuple(
        Question(
            repository=name,
            text=item["query"],
            category=item["category"],
            targets=tuple(map(_target, item.get("relevant", []) + item.get("secondary", []))),
        )
        for item in items
    )


def _target(given: str | dict[str, object]) -> Target:
    if isinstance(given, str):
        return Target(given)
    start, end = given.get("start_line"), given.get("end_line")
    return Target(str(given["path"]), (int(str(start)), int(str(end))) if start and end else None)


def chunk_score(targets: Sequence[Target], ranked: Sequence[Place]) -> float:
    """Return nDCG of the raw list: each target counts once, at its first match, one gain per rank."""
    first = (next((rank for rank, place in enumerate(ranked[:CUT]) if t.matches(place)), None) for t in targets)
    hit = {rank for rank in first if rank is not None}
    ideal = dcg([1.0] * min(CUT, len(targets)))
    return dcg([float(rank in hit) for rank in range(CUT)]) / ideal


def file_score(targets: Sequence[Target], ranked: Sequence[Place]) -> float:
    """Return nDCG of the list of distinct files."""
    files = dict.fromkeys(path for path, _, _ in ranked)
    return chunk_score(targets, [(path, 0, 10**9) for path in files])


def mean_over_repositories(questions: Sequence[Question], scores: Sequence[float]) -> float:
    """Return the mean over repositories of each repository's mean."""
    by_repository: dict[str, list[float]] = {}
    for question, score in zip(questions, scores, strict=True):
        by_repository.setdefault(question.repository, []).append(score)
    return mean([mean(found) for found in by_repository.values()])


def weights(questions: Sequence[Question]) -> list[float]:
    """Return what each question weighs in the mean over repositories."""
    counts: dict[str, int] = {}
    for question in questions:
        counts[question.repository] = counts.get(question.repository, 0) + 1
    return [1 / counts[question.repository] for question in questions]


def judged_by_score_py(data: Path, predictions: Mapping[Question, Sequence[Place]]) -> dict[str, tuple[float, float]]:
    """Let the data set's own script score predictions: (chunks, files) by repository, category and ``all``."""
    lines = [
        json.dumps({"repo": question.repository, "query": question.text, "results": list(places)})
        for question, places in predictions.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.jsonl"
        file.write_text("\n".join(lines), "utf-8")
        command = [sys.executable, str(data / "score.py"), str(file)]
        output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    rows = (line.split() for line in output.splitlines())
    return {row[0]: (float(row[2]), float(row[4])) for row in rows}
