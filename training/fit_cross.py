"""Tune the cross-encoder: of a right answer and the wrong ones that the engine would show, choose the right one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from training import encoder
from training.descent import decaying, descend
from training.questions import question, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import BertModel

    from training.descent import Log
    from training.pair import Pair
    from training.plans import Plan

SEED = 20_265
WRONG = 7
"""Wrong answers beside each right one."""
LONGEST = (112, 144, 192, 256)
"""Tokens of a pair, drawn for each batch: within a time budget pairs are cut, and the model must know short ones."""
JUDGED = 144
"""Tokens of a pair when it is judged: one of those lengths, since a search cuts pairs, too."""
MOST_JUDGED = 2_000
"""Questions: each is judged with all its wrong answers."""
QUESTION_CHARACTERS = 300
"""Of a question, so that the code keeps most of the tokens."""
FIRST_WEIGHTS = 0.02
"""Standard deviation of the head's first weights: that of BERT's."""


class CrossEncoder:
    """An encoder, and a linear head on its first token."""

    def __init__(self, model: BertModel) -> None:
        """Begin with a trained encoder; the head begins with next to nothing."""
        self.encoder = model
        self.head = torch.nn.Linear(model.config.hidden_size, 1).to(encoder.device())
        torch.nn.init.normal_(self.head.weight, std=FIRST_WEIGHTS)

    def parameters(self) -> list[torch.nn.Parameter]:
        """List what is trained."""
        return [*self.encoder.parameters(), *self.head.parameters()]

    def scores(self, batch: encoder.Batch) -> torch.Tensor:
        """Score pairs. Shape (n,)."""
        with encoder.autocast():
            first = self.encoder(**encoder.moved(batch)).last_hidden_state[:, 0]
        found: torch.Tensor = self.head(first.float()).squeeze(-1)
        return found


def fit(model: CrossEncoder, pairs: Sequence[Pair], harder: NDArray[np.int32], plan: Plan) -> Log:
    """Tune a model in place on every pair that has enough wrong answers."""
    able = [number for number in range(len(pairs)) if (harder[number] >= 0).sum() >= WRONG]
    jobs = []
    for epoch in range(plan.epochs):
        random.Random(SEED + epoch).shuffle(able)
        full = len(able) // plan.batch * plan.batch
        jobs += [(epoch, able[at : at + plan.batch]) for at in range(0, full, plan.batch)]
    model.encoder.train()
    return descend(
        decaying(model.parameters(), plan.rate),
        jobs,
        lambda job: _batch(pairs, harder, *job),
        lambda batch: _loss(model, batch),
    )


def _batch(pairs: Sequence[Pair], harder: NDArray[np.int32], epoch: int, batch: Sequence[int]) -> encoder.Batch:
    dice = random.Random(f"{SEED} {epoch} {batch[0]}")
    rows = []
    for number in batch:
        asked = question(pairs[number], dice)[:QUESTION_CHARACTERS]
        wrong = [int(each) for each in harder[number] if each >= 0]
        # The best ones are the hardest, and the likeliest to be right: all ranks are drawn alike.
        shown = [number, *dice.sample(wrong, WRONG)]
        rows += [(asked, text(pairs[each], dice)[: encoder.CHARACTERS * LONGEST[-1]]) for each in shown]
    return encoder.tokenised_pairs(rows, dice.choice(LONGEST))


def _loss(model: CrossEncoder, batch: encoder.Batch) -> torch.Tensor:
    """Cross-entropy of the right answer, the first of each question, among those that are shown with it."""
    scores = model.scores(batch).view(-1, WRONG + 1)
    right = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
    loss: torch.Tensor = functional.cross_entropy(scores, right)
    return loss


def judged(model: CrossEncoder, pairs: Sequence[Pair], harder: NDArray[np.int32]) -> dict[str, float]:
    """Measure MRR of the right answer among the wrong ones that were mined, by the model alone."""
    able = [number for number in range(len(pairs)) if (harder[number] >= 0).all()][:MOST_JUDGED]
    model.encoder.eval()
    found: list[float] = []
    with torch.no_grad():
        for start in range(0, len(able), 32):
            numbers = able[start : start + 32]
            rows = [(pairs[n].summary, pairs[int(each)].text) for n in numbers for each in (n, *harder[n])]
            scores = model.scores(encoder.tokenised_pairs(rows, JUDGED)).view(len(numbers), -1).cpu()
            ranks = (scores[:, 1:] >= scores[:, :1]).sum(1) + 1
            found += (1.0 / ranks.float()).tolist()
    model.encoder.train()
    told = {"questions": float(len(found)), "candidates": float(harder.shape[1] + 1)}
    return {"mrr": float(np.mean(found)), **told} if found else told
