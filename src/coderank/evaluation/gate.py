"""What a migration asks before it cuts over: may the new index take the place of the old one?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from coderank import __version__
from coderank.evaluation import machine
from coderank.evaluation.runs import Run
from coderank.evaluation.sides import MAX_LOSS, Comparison, judgeable, side

if TYPE_CHECKING:
    from coderank.evaluation.asking import Search
    from coderank.evaluation.datasets import Dataset
    from coderank.evaluation.sides import Verdict


def gate(
    old: Search, new: Search, dataset: Dataset, max_loss: float = MAX_LOSS, *, sure: bool = False
) -> tuple[Verdict, Comparison]:
    """Ask both sides every question of ``dataset`` (`golden.read` reads one), and judge the loss of nDCG@10.

    Raises:
        DatasetError: no answer is known to be right, so that nothing can be said of a loss.
    """
    judgeable(dataset)
    found = Comparison(side(old, dataset, _described("old", dataset)), side(new, dataset, _described("new", dataset)))
    return found.verdict(max_loss, sure=sure), found


def _described(name: str, dataset: Dataset) -> Run:
    return Run(
        name=name,
        dataset=dataset.name,
        digest=dataset.digest,
        model="",
        mode="hybrid",
        rerank=False,
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine.sentence(),
        files=0,
        chunks=0,
        notes=(),
        stages={},
        answers=(),
    )
