"""What one engine answered to one data set, as a file that can be read again and compared. Strict on reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from coderank.errors import DatasetError
from coderank.evaluation.judging import MEASURES, mean_over_roots, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = 1


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found for one question, and what that is worth."""

    id: str
    root: str
    text: str
    category: str
    language: str
    found: tuple[str, ...]
    """The page of results, best first, as ``path:first-last``; of a set, the ids of documents."""
    right: tuple[bool, ...]
    """Which of them answer the question."""
    scores: dict[str, float]
    """By measure."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One run over one data set."""

    format: int = FORMAT
    name: str
    """What tells it from other runs: model and mode."""
    dataset: str
    digest: str
    """Of the data set."""
    model: str
    mode: str
    rerank: bool
    version: str
    """Of coderank."""
    date: str
    machine: str
    files: int
    chunks: int
    notes: tuple[str, ...]
    """What was not as it should be: files left out, chunks without a vector, reranking that failed."""
    stages: dict[str, float]
    """Median milliseconds of each stage of a search."""
    answers: tuple[Answer, ...]

    def way(self) -> str:
        """Say how it searched."""
        return f"{self.mode}{' + rerank' if self.rerank else ''}"

    def mean(self, measure: str) -> float:
        """Return the mean over roots of each root's mean."""
        return mean_over_roots([answer.root for answer in self.answers], self.values(measure))

    def values(self, measure: str) -> list[float]:
        """Return a measure of every answer, in order."""
        return [answer.scores[measure] for answer in self.answers]

    def weights(self) -> list[float]:
        """Return what each answer weighs in the mean."""
        return weights([answer.root for answer in self.answers])

    def means(self) -> dict[str, float]:
        """Return every measure."""
        return {measure: self.mean(measure) for measure in MEASURES}

    def grouped(self, key: Callable[[Answer], str], measure: str) -> Mapping[str, float]:
        """Return the mean of a measure by what ``key`` says of an answer, without answers of which it says nothing."""
        groups: dict[str, list[Answer]] = {}
        for answer in self.answers:
            if name := key(answer):
                groups.setdefault(name, []).append(answer)
        return {
            name: mean_over_roots([one.root for one in found], [one.scores[measure] for one in found])
            for name, found in sorted(groups.items())
        }


def write(file: Path, run: Run) -> None:
    """Write a run, an answer a line, so that a change is a readable diff.

    Raises:
        DatasetError: it cannot be written there.
    """
    head = msgspec.to_builtins(run)
    answers = ",\n".join(msgspec.json.encode(answer).decode() for answer in head.pop("answers"))
    opening = msgspec.json.format(msgspec.json.encode(head), indent=1).decode().removesuffix("\n}")
    means = msgspec.json.encode({name: round(value, 4) for name, value in run.means().items()}).decode()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{opening},\n "means": {means},\n "answers": [\n{answers}\n]}}\n', "utf-8")
    except OSError as error:
        raise DatasetError(f"Cannot write {file}: {error.strerror}", "Name another folder with --out") from error


def read(file: Path) -> Run:
    """Read what `write` wrote.

    Raises:
        DatasetError: there is no such file, or it is something else.
    """
    again = "Write one: coderank eval DIR --out FOLDER"
    try:
        fields = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        fields.pop("means", None)
        run = msgspec.convert(fields, Run)
    except OSError as error:
        raise DatasetError(f"Cannot read {file}: {error.strerror}", again) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} is not the result of a run: {error}", again) from error
    if run.format != FORMAT:
        raise DatasetError(f"{file} has format {run.format}, expected {FORMAT}", again)
    return run


def same_questions(ours: Run, theirs: Run) -> None:
    """Raise DatasetError unless two runs answered the same questions about the same data."""
    if ours.digest != theirs.digest or [one.id for one in ours.answers] != [one.id for one in theirs.answers]:
        raise DatasetError(
            f"{ours.name} on {ours.dataset} and {theirs.name} on {theirs.dataset} did not answer the same questions",
            "Run both on one state of the data set",
        )


def same_data(run: Run, digest: str, dataset: str) -> None:
    """Raise DatasetError unless a run was one over this state of a data set."""
    if run.digest != digest:
        raise DatasetError(
            f"{run.name} is a run over {run.dataset} as it was, not over {dataset} as it is or as chosen",
            "Compare runs over the same questions and documents",
        )
