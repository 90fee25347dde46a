"""What ``--rerank`` is worth and costs without a network: localisation with the cross-encoder that comes with coderank.

``python -m benchmarks.offline_rerank DATA_DIR REPOS_DIR [--cache-dir DIR] [--save]``. Every question is asked twice by
the engine that users run, with reranking and without, within the default budget.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import parts, questions
from benchmarks.results import FOLDER, Run, Table
from coderank import Engine
from coderank.evaluation.bootstrap import paired
from coderank.evaluation.judging import chunk_score
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.tables import markdown
from coderank.loading.rerankers import cross_encoder
from coderank.settings import RERANK_BUDGET_MS, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.bootstrap import Difference
    from coderank.evaluation.datasets import Root
    from coderank.evaluation.judging import Question
    from coderank.types import SearchResult

LIMIT = 10
WARM_UP = 3
"""Reranked questions before the first that counts: the model is loaded in the first, and its speed known after it."""
NAMES = "symbol"
"""The category of questions that are names, which are not reranked."""
_CANDIDATES = re.compile(r" on (\d+) candidates")


@dataclass(slots=True)
class Found:
    """What was measured, question by question."""

    model: str
    questions: list[Question] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    """nDCG@10 without reranking."""
    reranked: list[float] = field(default_factory=list)
    spent_ms: list[float] = field(default_factory=list)
    """Of the stage, where it ran."""
    candidates: list[int] = field(default_factory=list)

    def add(self, question: Question, plain: SearchResult, reranked: SearchResult) -> None:
        """Take in both answers to a question."""
        self.questions.append(question)
        self.plain.append(_score(question, plain))
        self.reranked.append(_score(question, reranked))
        (stage,) = (stage for stage in reranked.stages if stage.name == "rerank")
        if ran := _CANDIDATES.search(stage.detail):
            self.spent_ms.append(stage.ms)
            self.candidates.append(int(ran[1]))

    def gain(self, category: str = "", without: str = "") -> Difference:
        """Compare with and without reranking, over all questions, those of a category, or all but those of one."""
        chosen = [
            number
            for number, question in enumerate(self.questions)
            if category in {"", question.category} and question.category != without
        ]
        weight = questions.weights([self.questions[number] for number in chosen])
        return paired([self.reranked[n] for n in chosen], [self.plain[n] for n in chosen], weight)

    def measured(self) -> dict[str, float]:
        """Return the values of this benchmark's bars."""
        overall = questions.mean_over_repositories(self.questions, self.reranked)
        return {
            "offline_rerank_ndcg": round(overall, 4),
            "offline_rerank_gain": round(self.gain(without=NAMES).mean, 4),
            "offline_rerank_names": round(self.gain(NAMES).mean, 4),
            "offline_rerank_candidates": median(self.candidates),
            "offline_rerank_p50": round(median(self.spent_ms), 1),
        }

    def details(self) -> dict[str, Any]:
        """Return every number, for machines."""
        return {
            "reranker": self.model,
            "embedder": parts.MODEL.name,
            "budget_ms": RERANK_BUDGET_MS,
            "questions": len(self.questions),
            "without": round(questions.mean_over_repositories(self.questions, self.plain), 4),
            "gain": {name or "all": self.gain(name).record() for name in ("", *self._categories())},
            "stage_ms": [round(value, 1) for value in self.spent_ms],
            "candidates": self.candidates,
        }

    def tables(self) -> list[Table]:
        """Return the tables for people."""
        rows = [[name or "all", *self._means(name), self.gain(name).text()] for name in ("", *self._categories())]
        worth = Table(
            f"Localisation, nDCG@10, {parts.MODEL.name} with {self.model}",
            ("questions", "without", "with", "gain [95 %]"),
            rows,
        )
        cost = [
            [name, *(f"{quantile(values, p):.0f}" for p in (0.05, 0.5, 0.95))]
            for name, values in (("milliseconds", self.spent_ms), ("candidates", self.candidates))
        ]
        return [worth, Table(f"A budget of {RERANK_BUDGET_MS} ms", ("of a question", "p5", "p50", "p95"), cost)]

    def _categories(self) -> list[str]:
        return sorted({question.category for question in self.questions})

    def _means(self, category: str) -> list[str]:
        chosen = [n for n, question in enumerate(self.questions) if category in {"", question.category}]
        asked = [self.questions[n] for n in chosen]
        return [
            f"{questions.mean_over_repositories(asked, [scores[n] for n in chosen]):.4f}"
            for scores in (self.plain, self.reranked)
        ]


def ask(repositories: Sequence[Root], laid_out: Path, settings: Settings) -> Found:
    """Ask every question of every repository, with reranking and without."""
    model = cross_encoder(settings)
    if model is None:
        raise SystemExit("No cross-encoder is on this machine: python -m training.ship coderank-mini-rerank FOLDER")
    found = Found(model.name)
    for repository in repositories:
        print(f"asking {repository.name}", file=sys.stderr, flush=True)
        index = settings.data_dir / "indexes" / repository.name
        root, model_name = laid_out / repository.folder, parts.MODEL.name
        with Engine.open(root, model=model_name, index_dir=index, settings=settings) as engine:
            engine.index()
            for question in repository.questions[:WARM_UP] if not found.questions else ():
                engine.search(question.text, limit=LIMIT, rerank=True)
            for question in repository.questions:
                plain = engine.search(question.text, limit=LIMIT)
                found.add(question, plain, engine.search(question.text, limit=LIMIT, rerank=True))
    return found


def _score(question: Question, result: SearchResult) -> float:
    return chunk_score(question.targets, [(hit.path, hit.start_line, hit.end_line) for hit in result])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline_rerank", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of repos.json, annotations and score.py")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--cache-dir", type=Path, help="keep vectors here between runs")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these repositories alone")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    given = parser.parse_args(arguments)
    if given.save and given.only:
        raise SystemExit("A result to keep is of all repositories: leave out --only")
    run = Run("offline-rerank", "python -m benchmarks.offline_rerank DATA_DIR REPOS_DIR --save")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cache = parts.cache_folder(given.cache_dir or folder / "cache")
        settings = Settings(data_dir=folder, cache_dir=cache, background=False)
        found = ask(questions.load(given.data, given.only), given.repositories, settings)
    for table in found.tables():
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run.write(found.measured(), found.details(), found.tables(), given.results))


if __name__ == "__main__":
    main()
