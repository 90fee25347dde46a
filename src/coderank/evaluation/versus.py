"""Two runs over the same questions: what changed, for which questions, and whether it is more than luck. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.evaluation.bootstrap import paired
from coderank.evaluation.judging import MEASURES
from coderank.evaluation.runs import same_questions
from coderank.evaluation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.bootstrap import Difference
    from coderank.evaluation.runs import Answer, Run

HEADLINE = "ndcg@10"
"""The measure that decides."""
_SAME = 1e-6
"""Less is rounding: the files of earlier versions keep six digits."""


@dataclass(frozen=True, slots=True)
class Change:
    """One question that both answered."""

    ours: Answer
    theirs: Answer

    @property
    def gain(self) -> float:
        """What ours is worth more, in the headline's measure."""
        return self.ours.scores[HEADLINE] - self.theirs.scores[HEADLINE]


@dataclass(frozen=True, slots=True)
class Versus:
    """Ours against theirs; a positive difference says that ours is better."""

    ours: Run
    theirs: Run
    differences: dict[str, Difference]
    changes: tuple[Change, ...]
    """Every question, the largest gain first."""

    @property
    def wins(self) -> int:
        """Questions that ours answers better."""
        return sum(change.gain > _SAME for change in self.changes)

    @property
    def losses(self) -> int:
        """Questions that ours answers worse."""
        return sum(change.gain < -_SAME for change in self.changes)

    def better(self) -> bool | None:
        """Tell whether ours is better or worse; None where the difference may be the luck of the questions."""
        found = self.differences[HEADLINE]
        return found.mean > 0 if found.low > 0 or found.high < 0 else None

    def sentence(self) -> str:
        """Say it as one would in a talk."""
        found = self.differences[HEADLINE]
        luck = "within luck" if self.better() is None else "more than luck"
        told = f"{self.ours.name} against {self.theirs.name}: nDCG@10 {found.text()}, {luck}"
        return f"{told}; {self.wins} questions better, {self.losses} worse, {self._same} alike"

    @property
    def _same(self) -> int:
        return len(self.changes) - self.wins - self.losses

    def row(self) -> list[str]:
        """Return the line of a table of comparisons."""
        texts = [self.differences[measure].text() for measure in ("ndcg@10", "mrr@10", "recall@10")]
        return [f"{self.ours.name} against {self.theirs.name}", *texts, *map(str, (self.wins, self.losses, self._same))]


def versus(ours: Run, theirs: Run) -> Versus:
    """Compare two runs, question by question.

    Raises:
        DatasetError: they did not answer the same questions about the same data.
    """
    same_questions(ours, theirs)
    weights = ours.weights()
    differences = {name: paired(ours.values(name), theirs.values(name), weights) for name in MEASURES}
    pairs = [Change(one, other) for one, other in zip(ours.answers, theirs.answers, strict=True)]
    ordered = sorted(pairs, key=lambda change: (-change.gain, change.ours.id))
    return Versus(ours, theirs, differences, tuple(ordered))


def table(found: Sequence[Versus]) -> Table:
    """Show comparisons as rows."""
    columns = ("comparison", "nDCG@10 [95 %]", "MRR@10 [95 %]", "recall@10 [95 %]", "better", "worse", "alike")
    return Table("Differences", columns, [one.row() for one in found])
