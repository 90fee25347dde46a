"""Find the wrong answers that a search would give: both legs of the engine, over pools that are like repositories.

The lexical leg is the project's own, the dense leg the encoder that is being trained; scores are added as
`coderank.retrieval.fusion` has the store add them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from training import bm25
from training.batches import same_questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.pair import Pair

POOL = 4_000
"""Texts that are searched at once, and the last package to the end: whole packages of one language."""
KEPT = 24
"""Wrong answers kept of a question: those that a reranker is shown beside the right one."""
CERTAIN = 0.97
"""A text whose cosine to the question is nearly that of the right answer, or larger, may be another right one, and is
passed: what most miners of hard negatives do (e.g. Moreira et al. 2024, with 0.95)."""
SEED = 20_264
_PASSED = -10.0
"""Score of a text that is passed: below any that a search gives."""


def mined(pairs: Sequence[Pair], asked: torch.Tensor, shown: torch.Tensor) -> NDArray[np.int32]:
    """Give for each pair the numbers of ``KEPT`` wrong answers, best first, -1 where there are fewer.

    ``asked`` and ``shown`` are the normalised vectors of their summaries and texts.
    """
    found = np.full((len(pairs), KEPT), -1, dtype=np.int32)
    questions, texts = bm25.encoded(pairs)
    for pool in _pools(pairs):
        cosines = asked[pool] @ shown[pool].T
        lexical = torch.from_numpy(bm25.scored([questions[n] for n in pool], [texts[n] for n in pool]))
        same = torch.from_numpy(same_questions(pairs[n] for n in pool))
        doubtful = same | (cosines > CERTAIN * cosines.diagonal().unsqueeze(1))
        best = (cosines + lexical).masked_fill(doubtful, _PASSED).topk(min(KEPT, len(pool) - 1), dim=1)
        numbers = np.array(pool, dtype=np.int32)[best.indices.numpy()]
        found[pool, : numbers.shape[1]] = np.where(best.values.numpy() > _PASSED / 2, numbers, -1)
    return found


def _pools(pairs: Sequence[Pair]) -> Iterator[list[int]]:
    packages: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        packages[pair.language, pair.package].append(number)
    languages: dict[str, list[list[int]]] = defaultdict(list)
    for (language, _), numbers in sorted(packages.items()):
        languages[language].append(numbers)
    for language in sorted(languages):
        groups = languages[language]
        random.Random(SEED).shuffle(groups)
        pool: list[int] = []
        for group in groups:
            pool += group
            if len(pool) >= POOL:
                yield pool
                pool = []
        if len(pool) > 1:
            yield pool
