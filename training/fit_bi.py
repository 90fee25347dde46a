"""Tune the bi-encoder: a question shall be nearer to its code than to any other code of the batch, at every length of
the vector (Matryoshka: Kusupati et al. 2022)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from training import encoder
from training.batches import batches, same_questions
from training.descent import decaying, descend
from training.questions import question, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import BertModel

    from training.descent import Log
    from training.pair import Pair
    from training.plans import Plan

SEED = 20_263
SCALE = 20.0
"""What a cosine is multiplied with before the softmax: as the model was trained with before."""
LENGTHS = {384: 1.0, 256: 0.4, 128: 0.4}
"""Dimensions a vector may be cut to, and the weight of each in the loss: the whole one is what is shipped."""
BACKWARD = 0.5
"""Weight of finding the question of a code: nobody searches so, but its wrong answers are other ones."""
QUESTION_TOKENS, TEXT_TOKENS = 96, 256
"""That are read: the longest detail has hardly more than 96, and all-MiniLM-L6-v2 reads 256 of a text."""
NEVER = -1e4
"""Score of what must not count as wrong."""
FEWEST = 20
"""Pairs of a package that is judged on: among a few texts any model finds the right one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One batch, tokenised: questions, texts (answers first, then harder wrong ones), and which ask the same."""

    questions: encoder.Batch
    texts: encoder.Batch
    same: torch.Tensor
    """Shape (questions, texts), false where a text is the answer itself."""


def fit(model: BertModel, pairs: Sequence[Pair], plan: Plan, harder: NDArray[np.int32] | None = None) -> Log:
    """Tune a model in place; ``harder`` has for each pair the numbers of wrong answers, -1 where there are fewer."""
    jobs = [(epoch, batch) for epoch in range(plan.epochs) for batch in batches(pairs, plan.batch, SEED + epoch)]
    model.train()
    return descend(
        decaying(model.parameters(), plan.rate),
        jobs,
        lambda job: _step(pairs, *job, harder),
        lambda step: _loss(model, step),
    )


def _step(pairs: Sequence[Pair], epoch: int, batch: Sequence[int], harder: NDArray[np.int32] | None) -> Step:
    dice = random.Random(f"{SEED} {epoch} {batch[0]}")
    asked = [question(pairs[number], dice) for number in batch]
    shown = list(batch)
    if harder is not None:
        for number in batch:
            wrong = [int(each) for each in harder[number] if each >= 0]
            shown.append(dice.choice(wrong) if wrong else number)
    texts = [text(pairs[number], dice) for number in shown]
    same = torch.from_numpy(same_questions(pairs[number] for number in shown)).fill_diagonal_(False)
    return Step(encoder.tokenised(asked, QUESTION_TOKENS), encoder.tokenised(texts, TEXT_TOKENS), same[: len(batch)])


def _loss(model: BertModel, step: Step) -> torch.Tensor:
    """Sum up the loss at every length."""
    asked, shown = encoder.pooled(model, step.questions), encoder.pooled(model, step.texts)
    same = step.same.to(asked.device)
    total = torch.zeros((), device=asked.device)
    for length, weight in LENGTHS.items():
        total = total + weight * contrasted(asked[:, :length], shown[:, :length], same)
    return total


def contrasted(asked: torch.Tensor, shown: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the right answer among all texts of a batch, and of the right question among all questions."""
    scores = SCALE * functional.normalize(asked, dim=-1) @ functional.normalize(shown, dim=-1).T
    scores = scores.masked_fill(same, NEVER)
    right = torch.arange(len(asked), device=asked.device)
    backward = functional.cross_entropy(scores[:, : len(asked)].T, right)
    return functional.cross_entropy(scores, right) + BACKWARD * backward


def judged(model: BertModel, pairs: Sequence[Pair]) -> dict[str, float]:
    """Measure MRR@10 of summaries among the texts of their own package: with header, at every length, and without."""
    packages: dict[str, list[Pair]] = {}
    for pair in pairs:
        packages.setdefault(pair.package, []).append(pair)
    kept = [pair for members in packages.values() if len(members) >= FEWEST for pair in members]
    asked = encoder.embedded(model, [pair.summary for pair in kept], QUESTION_TOKENS)
    shown = encoder.embedded(model, [pair.text for pair in kept], TEXT_TOKENS)
    bare = encoder.embedded(model, [pair.bare for pair in kept], TEXT_TOKENS)
    whole = max(LENGTHS)
    ways = [*((f"header {length}", shown, length) for length in LENGTHS), (f"bare {whole}", bare, whole)]
    names = np.array([pair.package for pair in kept])
    members = [torch.from_numpy(np.flatnonzero(names == name)) for name in dict.fromkeys(names)]
    found = {
        label: float(np.mean([rank for mine in members for rank in _reciprocal(asked[mine], texts[mine], length)]))
        for label, texts, length in ways
        if kept
    }
    return found | {"questions": float(len(kept))}


def _reciprocal(asked: torch.Tensor, shown: torch.Tensor, length: int) -> list[float]:
    """Give one over the rank of each question's own text, 0 below the tenth."""
    scores = functional.normalize(asked[:, :length], dim=-1) @ functional.normalize(shown[:, :length], dim=-1).T
    ranks = (scores > scores.diagonal().unsqueeze(1)).sum(1) + 1
    values: list[float] = (1.0 / ranks.float() * (ranks <= 10)).tolist()
    return values
