"""Make the static embedder: a table of token vectors, distilled from the bi-encoder and tuned on the same pairs.

It begins with what the encoder says of each token by itself, cut to its principal components and weighed by how rare
the token is (Model2Vec: Tulkens and van Dongen 2024). Then the table, weights included, learns the same task as the
bi-encoder does.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from training import encoder
from training.batches import batches, same_questions
from training.descent import descend
from training.fit_bi import contrasted
from training.questions import question, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import BertModel

    from training.descent import Log
    from training.pair import Pair
    from training.plans import Plan

SEED = 20_266
WIDTH = 256
"""Dimensions: 30,522 rows of as many bytes are 8 MB, and twelve were allowed."""
LONGEST = 512
"""Tokens that are read of a text: no encoder sets a limit, and a chunk has hardly more."""
RARE = 1e-3
"""The a of a / (a + p), the weight of a token of frequency p (SIF: Arora et al. 2017), to begin with."""
COUNTED = 40_000
"""Texts that the frequencies are counted in: enough for any token that matters."""
AT_ONCE = 4_096
"""Tokens that are embedded at a time."""
Rows = tuple[torch.Tensor, torch.Tensor]
"""Tokens of all texts in one run, and where each text begins."""


def distilled(model: BertModel, pairs: Sequence[Pair]) -> torch.Tensor:
    """Give the table to begin with. Shape (vocabulary, WIDTH)."""
    table = _alone(model)
    table = table - table.mean(0)
    _, _, components = torch.linalg.svd(table, full_matrices=False)
    table = functional.normalize(table @ components[:WIDTH].T, dim=-1)
    counts = np.ones(len(table))
    drawn = random.Random(SEED).sample(range(len(pairs)), min(len(pairs), COUNTED))
    for row in encoder.bare_tokenizer(LONGEST).encode_batch_fast([pairs[number].text for number in drawn]):
        np.add.at(counts, row.ids, 1)
    weights = RARE / (RARE + counts / counts.sum())
    return table * torch.from_numpy(weights).float().unsqueeze(1)


def _alone(model: BertModel) -> torch.Tensor:
    """Embed every token of the vocabulary by itself. Shape (vocabulary, hidden)."""
    words = encoder.bare_tokenizer(LONGEST)
    size = words.get_vocab_size()
    first, last = words.token_to_id("[CLS]"), words.token_to_id("[SEP]")
    rows = []
    model.eval()
    with torch.no_grad():
        for start in range(0, size, AT_ONCE):
            ids = torch.tensor([[first, token, last] for token in range(start, min(size, start + AT_ONCE))])
            batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
            rows.append(encoder.pooled(model, batch).cpu())
    model.train()
    return torch.cat(rows)


def fit(table: torch.Tensor, pairs: Sequence[Pair], plan: Plan) -> tuple[torch.Tensor, Log]:
    """Tune a table; return it, on the CPU, and how the loss went."""
    bag = torch.nn.EmbeddingBag.from_pretrained(table.to(encoder.device()), freeze=False, mode="sum")
    jobs = [(epoch, batch) for epoch in range(plan.epochs) for batch in batches(pairs, plan.batch, SEED + epoch)]
    log = descend(
        torch.optim.Adam(bag.parameters(), lr=plan.rate),
        jobs,
        lambda job: _step(pairs, *job),
        lambda step: contrasted(_summed(bag, step[0]), _summed(bag, step[1]), step[2].to(bag.weight.device)),
        bounded=False,  # there are no layers through which a gradient could grow
    )
    return bag.weight.detach().cpu(), log


def _step(pairs: Sequence[Pair], epoch: int, batch: Sequence[int]) -> tuple[Rows, Rows, torch.Tensor]:
    dice = random.Random(f"{SEED} {epoch} {batch[0]}")
    asked = [question(pairs[number], dice) for number in batch]
    shown = [text(pairs[number], dice) for number in batch]
    same = torch.from_numpy(same_questions(pairs[number] for number in batch)).fill_diagonal_(False)
    return _rows(asked), _rows(shown), same


def _rows(texts: Sequence[str]) -> Rows:
    """Tokenise texts; one without a token has that of padding."""
    rows = [row.ids or [0] for row in encoder.bare_tokenizer(LONGEST).encode_batch_fast(list(texts))]
    begins = np.cumsum([0, *map(len, rows[:-1])])
    return torch.tensor([token for row in rows for token in row]), torch.from_numpy(begins)


def _summed(bag: torch.nn.EmbeddingBag, rows: Rows) -> torch.Tensor:
    summed: torch.Tensor = bag(rows[0].to(bag.weight.device), rows[1].to(bag.weight.device))
    return summed


def rounded(table: torch.Tensor) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a table to 8 bits, with a scale for each row."""
    values = table.numpy()
    scales = np.abs(values).max(axis=1) / 127
    scales[scales == 0] = 1
    return np.rint(values / scales[:, None]).astype(np.int8), scales.astype(np.float32)
