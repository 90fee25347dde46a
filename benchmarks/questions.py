"""The localisation data as this package's benchmarks take it; and its own ``score.py``, which can be asked, too."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.evaluation import datasets, judging

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.evaluation.datasets import Root
    from coderank.evaluation.judging import Place, Question


def load(data: Path, only: Sequence[str] = ()) -> list[Root]:
    """Read the data set, all of it or the repositories of these names."""
    return list(datasets.load(data, only).roots)


def mean_over_repositories(questions: Sequence[Question], scores: Sequence[float]) -> float:
    """Return the mean over repositories of each repository's mean."""
    return judging.mean_over_roots([question.root for question in questions], scores)


def weights(questions: Sequence[Question]) -> list[float]:
    """Return what each question weighs in the mean over repositories."""
    return judging.weights([question.root for question in questions])


def judged_by_score_py(data: Path, predictions: Mapping[Question, Sequence[Place]]) -> dict[str, tuple[float, float]]:
    """Let the data set's own script score predictions: (chunks, files) by repository, category and ``all``."""
    lines = [
        json.dumps({"repo": question.root, "query": question.text, "results": list(places)})
        for question, places in predictions.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.jsonl"
        file.write_text("\n".join(lines), "utf-8")
        command = [sys.executable, str(data / "score.py"), str(file)]
        output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    rows = (line.split() for line in output.splitlines())
    return {row[0]: (float(row[2]), float(row[4])) for row in rows}
