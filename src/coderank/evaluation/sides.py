"""Two engines asked the same questions: how alike their answers are, what is lost, and what each of them costs. Pure.

A *side* is what one engine answered, and what that took. With answers that are known to be right, the sides are judged;
without, it is only told how far they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from coderank.errors import DatasetError
from coderank.evaluation.asking import Asked, ask
from coderank.evaluation.metrics import CUT, mean, overlap, quantile, rank_biased_overlap
from coderank.evaluation.runs import same_questions
from coderank.evaluation.versus import HEADLINE, versus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.asking import Search
    from coderank.evaluation.datasets import Dataset
    from coderank.evaluation.runs import Answer, Run
    from coderank.evaluation.versus import Versus

MAX_LOSS = 0.01
"""nDCG@10 that may be lost where nothing else is said: what differs between two states of one ranking by chance."""
SHARES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a side takes."""

    spent_ms: tuple[float, ...]
    """Of every question, in a running process."""
    disk_bytes: int | None = None
    """None where it cannot be told, as of a server."""
    peak_mib: float | None = None
    """Of a process that answers the questions; None where it was not one of its own."""

    def ms(self, share: float) -> float:
        """Return the time that a share of the questions do not exceed."""
        return quantile(self.spent_ms, share)


@dataclass(frozen=True, slots=True)
class Side:
    """One engine, and what it answered."""

    run: Run
    cost: Cost
    place: str = ""
    """What was asked, as its user calls it, where the run has but a letter for it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What both sides answered to one question."""

    old: Answer
    new: Answer

    @property
    def overlap(self) -> float:
        """Share of the results that are in both pages."""
        return overlap(self.old.found, self.new.found)

    @property
    def files(self) -> float:
        """Share of the files that are in both pages."""
        return overlap(_files(self.old), _files(self.new))

    @property
    def likeness(self) -> float:
        """Rank-biased overlap of the files: 1 for the same files in the same order."""
        return rank_biased_overlap(_files(self.old), _files(self.new))

    @property
    def same_first(self) -> bool:
        """Whether both name the same file first."""
        return _files(self.old)[:1] == _files(self.new)[:1]

    @property
    def shifts(self) -> list[int]:
        """By how many ranks each file of both pages has moved: negative upwards."""
        ranks = {path: rank for rank, path in enumerate(_files(self.old))}
        return [rank - ranks[path] for rank, path in enumerate(_files(self.new)) if path in ranks]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new side may take the place of the old one."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Comparison:
    """Old and new, question by question."""

    old: Side
    new: Side

    def __post_init__(self) -> None:
        """Refuse sides that did not answer the same questions, with DatasetError."""
        same_questions(self.old.run, self.new.run)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every question, the least alike first."""
        pairs = [Pair(old, new) for old, new in zip(self.old.run.answers, self.new.run.answers, strict=True)]
        return tuple(sorted(pairs, key=lambda pair: (pair.likeness, pair.old.id)))

    @cached_property
    def judged(self) -> Versus | None:
        """New against old over the questions whose answers are known; None where there are none."""
        chosen = [_judged(side.run) for side in (self.new, self.old)]
        return versus(*chosen) if chosen[0].answers else None

    def likeness(self) -> dict[str, float]:
        """Return means over all questions of how alike the sides are."""
        shifts = [abs(shift) for pair in self.pairs for shift in pair.shifts]
        return {
            f"overlap@{CUT}": mean([pair.overlap for pair in self.pairs]),
            f"overlap@{CUT} of files": mean([pair.files for pair in self.pairs]),
            "rank-biased overlap of files": mean([pair.likeness for pair in self.pairs]),
            "same file first": mean([float(pair.same_first) for pair in self.pairs]),
            "mean shift in ranks": mean(shifts),
        }

    def verdict(self, max_loss: float = MAX_LOSS, *, sure: bool = False) -> Verdict:
        """Judge the loss of nDCG@10: its mean, or with ``sure`` all of its interval, has to be at most ``max_loss``.

        Raises:
            DatasetError: no answer is known to be right, so that nothing can be said of a loss.
        """
        if self.judged is None:
            raise _unjudged()
        found = self.judged.differences[HEADLINE]
        passed = (found.low if sure else found.mean) >= -max_loss
        measured = f"nDCG@10 {found.text()} over {len(self.judged.changes):,} judged questions"
        limit = f"a loss of {max_loss:g} is allowed{', in all of the interval' if sure else ''}"
        return Verdict(passed, f"{'passed' if passed else 'failed'}: {measured}; {limit}")


def judgeable(dataset: Dataset) -> None:
    """Raise DatasetError where no question has an answer that is known to be right."""
    if not any(question.targets for question in dataset.questions):
        raise _unjudged()


def _unjudged() -> DatasetError:
    return DatasetError(
        "Without answers that are known to be right a loss cannot be judged",
        'Give them in the file of questions, one a line: {"query": "where is X", "relevant": ["src/x.py"]}',
    )


def side(search: Search, dataset: Dataset, described: Run, cost: Cost | None = None, *, rerank: bool = False) -> Side:
    """Ask one engine every question; ``described`` is a run without answers that says what it is."""
    asked = Asked()
    for root in dataset.roots:
        ask(root, search, {}, asked, rerank=rerank)
    run = replace(described, answers=tuple(asked.answers), stages=asked.medians(), digest=dataset.digest)
    seen = cost or Cost(())
    return Side(run, Cost(tuple(asked.spent), seen.disk_bytes, seen.peak_mib))


def _judged(run: Run) -> Run:
    return replace(run, answers=tuple(answer for answer in run.answers if answer.scores))


def _files(answer: Answer) -> Sequence[str]:
    return list(dict.fromkeys(place.rpartition(":")[0] for place in answer.found))
