"""From the answers of the localisation benchmark to its measures and tables. Pure but for ``score.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.questions import judged_by_score_py, mean_over_repositories, weights
from benchmarks.results import Table
from benchmarks.variants import FULL, LEGS
from coderank.evaluation.bootstrap import Difference, paired
from coderank.evaluation.datasets import Root
from coderank.evaluation.judging import Question, chunk_score, file_score
from coderank.evaluation.metrics import mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.asking import Asked, Predictions

_SAME = 5.1e-5
"""Half a unit of the last digit that ``score.py`` prints."""


class DisagreementError(Exception):
    """Two ways to the same number gave different numbers."""


class Report:
    """Scores the answers once and tells what they are worth."""

    def __init__(self, repositories: Sequence[Root], asked: Asked) -> None:
        self._repositories = repositories
        self._questions = [question for repository in repositories for question in repository.questions]
        self._asked = asked
        self._chunks = {name: self._scores(found, chunk_score) for name, found in asked.variants.items()}
        self._files = {name: self._scores(found, file_score) for name, found in asked.variants.items()}

    def _scores(self, found: Predictions, measure: Callable[..., float]) -> list[float]:
        return [measure(question.targets, found[question]) for question in self._questions]

    def check(self, data: Path) -> None:
        """Compare the engine with the shipped variant, and the scores with those of the data set's own script.

        Raises:
            DisagreementError: they differ.
        """
        if self._asked.engine != self._asked.variants[FULL.name]:
            raise DisagreementError("The engine answers otherwise than its retrieval called directly")
        theirs = judged_by_score_py(data, self._asked.engine)
        for repository in self._repositories:
            chunks, files = theirs[repository.name]
            ours = self._of(repository.name, self._chunks), self._of(repository.name, self._files)
            if abs(ours[0] - chunks) > _SAME or abs(ours[1] - files) > _SAME:
                raise DisagreementError(f"score.py gives {chunks} and {files} for {repository.name}, not {ours}")

    def _of(self, repository: str, scores: dict[str, list[float]], variant: str = FULL.name) -> float:
        pairs = zip(self._questions, scores[variant], strict=True)
        return mean([score for question, score in pairs if question.root == repository])

    def overall(self, variant: str, *, files: bool = False) -> float:
        """Return the headline of a variant: the mean over repositories."""
        return mean_over_repositories(self._questions, (self._files if files else self._chunks)[variant])

    def against(self, variant: str) -> Difference:
        """Compare what is shipped with a variant, query by query."""
        return paired(self._chunks[FULL.name], self._chunks[variant], weights(self._questions))

    def measured(self) -> dict[str, float]:
        """Return the values of this benchmark's bars."""
        ours = self.overall(FULL.name)
        better_leg = max(self.overall(leg.name) for leg in LEGS)
        return {"localisation_ndcg": round(ours, 4), "localisation_worst_gain": round(ours - better_leg, 4)}

    def details(self) -> dict[str, Any]:
        """Return every mean, for machines."""
        return {
            "repositories": len(self._repositories),
            "questions": len(self._questions),
            "files": self._asked.files,
            "chunks": self._asked.chunks,
            "variants": {name: self._detail(name) for name in self._chunks},
            "per_repository": {
                repository.name: {
                    "chunks": round(self._of(repository.name, self._chunks), 4),
                    "files": round(self._of(repository.name, self._files), 4),
                }
                for repository in self._repositories
            },
        }

    def _detail(self, variant: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "chunks": round(self.overall(variant), 4),
            "files": round(self.overall(variant, files=True), 4),
            "chunks_by_category": self._by_category(variant),
        }
        if variant != FULL.name:
            found["shipped_minus_this"] = self.against(variant).record()
        return found

    def _by_category(self, variant: str) -> dict[str, float]:
        pairs = list(zip(self._questions, self._chunks[variant], strict=True))
        return {
            category: round(_mean([pair for pair in pairs if pair[0].category == category]), 4)
            for category in sorted({question.category for question in self._questions})
        }

    def tables(self) -> list[Table]:
        """Return the tables for people: variants and their worth, then repositories."""
        return [self._variant_table(), self._repository_table()]

    def _variant_table(self) -> Table:
        categories = sorted({question.category for question in self._questions})
        rows = []
        for name in self._chunks:
            by_category = self._by_category(name)
            cells = [f"{self.overall(name):.4f}", f"{self.overall(name, files=True):.4f}"]
            cells += [f"{by_category[category]:.3f}" for category in categories]
            rows.append([name, *cells, "" if name == FULL.name else self.against(name).text()])
        columns = ("variant", "chunks", "files", *categories, "as shipped minus this [95 %]")
        return Table("Localisation, nDCG@10: what each part is worth", columns, rows)

    def _repository_table(self) -> Table:
        modes = [FULL.name, *(leg.name for leg in LEGS)]
        rows = [
            [
                repository.name,
                repository.language,
                *(f"{self._of(repository.name, self._chunks, mode):.3f}" for mode in modes),
                f"{self._of(repository.name, self._files):.3f}",
            ]
            for repository in self._repositories
        ]
        columns = ("repository", "language", *modes, "as shipped, files")
        return Table("Localisation, nDCG@10 of ten chunks by repository", columns, rows)


def _mean(pairs: Sequence[tuple[Question, float]]) -> float:
    return mean_over_repositories([question for question, _ in pairs], [score for _, score in pairs])
