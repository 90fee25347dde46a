"""At which stage an answer was lost: what one question's lists say of each of its targets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log2
from typing import TYPE_CHECKING

from coderank.evaluation.judging import Question, Target
from coderank.evaluation.metrics import CUT, dcg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coderank.evaluation.judging import Place

SHIPPED, SUM, DENSE, LEXICAL = "shipped", "sum", "dense", "lexical"
"""The lists that are compared: as the user sees it, by fused score alone, and of each leg over all chunks."""


class Stage(StrEnum):
    """What became of a target, from the first stage to the last."""

    NOT_INDEXED = "its file is not in the index"
    NOT_RETRIEVED = "not among the candidates"
    OTHER_CHUNK = "its file was shown by another chunk"
    FUSED_AWAY = "among the first of a leg, not of their sum"
    OUTRANKED = "a candidate, among the first of no list"
    PUSHED_DOWN = "among the first by the sum, pushed down by the priors"
    LOW = "shown, below the place it deserves"
    SHARED = "shown by the chunk that shows another target"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a question lacks because of one target."""

    question: Question
    target: Target
    stage: Stage
    share: float
    """Of the question's nDCG: all shares of a question add up to one minus its score."""
    ranks: Mapping[str, int | None]
    """The first place in each list that matches, from 1."""
    above: tuple[Place, ...]
    """What is shown above it, and answers nothing."""


def losses(question: Question, lists: Mapping[str, Sequence[Place]], indexed: Sequence[Place]) -> Iterator[Loss]:
    """Explain what one question lacks. ``lists`` holds whole lists, ``indexed`` the place of every chunk."""
    shown = lists[SHIPPED][:CUT]
    ranked = [({name: _rank(target, places) for name, places in lists.items()}, target) for target in question.targets]
    ranked.sort(key=lambda item: item[0][SHIPPED] or len(lists[SHIPPED]) + 1)
    wrong = [place for place in shown if not any(target.matches(place) for target in question.targets)]
    ideal = dcg([1.0] * min(CUT, len(ranked)))
    taken: set[int] = set()
    for deserved, (ranks, target) in enumerate(ranked[:CUT], start=1):
        rank = ranks[SHIPPED] or CUT + 1
        gained = 1 / log2(rank + 1) if rank <= CUT and rank not in taken else 0.0
        share = (1 / log2(deserved + 1) - gained) / ideal
        stage = Stage.SHARED if rank in taken else _stage(target, ranks, shown, indexed)
        above = tuple(place for place in wrong if shown.index(place) < rank)
        if share:
            yield Loss(question, target, stage, share, ranks, above)
        if rank <= CUT:
            taken.add(rank)


def _rank(target: Target, places: Sequence[Place]) -> int | None:
    return next((rank for rank, place in enumerate(places, start=1) if target.matches(place)), None)


def _stage(target: Target, ranks: Mapping[str, int | None], shown: Sequence[Place], indexed: Sequence[Place]) -> Stage:
    first = {name for name, rank in ranks.items() if rank and rank <= CUT}
    file = Target(target.path)
    if not any(map(file.matches, indexed)):
        return Stage.NOT_INDEXED
    if SHIPPED in first:
        return Stage.LOW
    if any(map(file.matches, shown)):
        return Stage.OTHER_CHUNK
    if SUM in first:
        return Stage.PUSHED_DOWN
    if first:
        return Stage.FUSED_AWAY
    return Stage.OUTRANKED if ranks[SHIPPED] else Stage.NOT_RETRIEVED
