"""The encoder that is trained: MiniLM in torch, from and to the hub's layout."""

from __future__ import annotations

import json
import shutil
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import BertConfig, BertModel

from coderank.embedding.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tokenizers import Encoding, Tokenizer

CHARACTERS = 12
"""Of a text that are tokenised for each token that is kept: more than code has, and a long text costs no more."""
EIGHT = 8
"""Tokens that a batch's width is a multiple of: the matrix units of a GPU want it."""
Batch = dict[str, torch.Tensor]


def device() -> torch.device:
    """Choose the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load(folder: Path) -> BertModel:
    """Load an encoder from a folder of ``config.json`` and ``model.safetensors``; 16-bit weights become 32-bit ones.

    Raises:
        SystemExit: weights are missing.
    """
    model = BertModel(BertConfig.from_pretrained(folder, attn_implementation="sdpa"), add_pooling_layer=False)
    tensors = {
        name.removeprefix("bert."): tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()
    }
    missing, _ = model.load_state_dict(tensors, strict=False)
    if missing:
        raise SystemExit(f"{folder} lacks {', '.join(missing[:3])}")
    return model.to(device())


def mix(base: BertModel, tuned: BertModel, share: float) -> None:
    """Leave ``share`` of the tuned weights and take the rest from those before (WiSE-FT: Wortsman et al. 2022)."""
    with torch.no_grad():
        for before, after in zip(base.parameters(), tuned.parameters(), strict=True):
            after.lerp_(before, 1 - share)


def save(model: BertModel, folder: Path, head: torch.nn.Module | None = None) -> None:
    """Write an encoder, with the head of a cross-encoder, in the layout that `load` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    if head is not None:
        tensors |= {f"classifier.{name}": tensor.cpu() for name, tensor in head.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1, default=str) + "\n", "utf-8")
    with as_file(files("coderank.embedding") / "vocab.txt") as vocabulary:
        shutil.copyfile(vocabulary, folder / "vocab.txt")


def tokenised(texts: Sequence[str], longest: int) -> Batch:
    """Tokenise texts, cut to ``longest`` tokens and padded to the longest of them."""
    return padded(load_tokenizer(longest).encode_batch_fast([text[: CHARACTERS * longest] for text in texts]))


def tokenised_pairs(rows: Sequence[tuple[str, str]], longest: int) -> Batch:
    """Tokenise questions with texts; of a pair that is too long the longer one, mostly the text, is cut."""
    words = load_tokenizer(longest)
    words.enable_truncation(longest, strategy="longest_first")
    return padded(words.encode_batch_fast(list(rows)))


def bare_tokenizer(longest: int) -> Tokenizer:
    """Load the tokenizer that puts nothing around a text."""
    return load_tokenizer(longest, special=False)


def padded(rows: Sequence[Encoding]) -> Batch:
    """Lay rows out as a batch, padded on the right."""
    width = -(-max(len(row.ids) for row in rows) // EIGHT) * EIGHT
    made = {
        name: np.zeros((len(rows), width), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for number, row in enumerate(rows):
        length = len(row.ids)
        made["input_ids"][number, :length] = row.ids
        made["token_type_ids"][number, :length] = row.type_ids
        made["attention_mask"][number, :length] = 1
    return {name: torch.from_numpy(array) for name, array in made.items()}


def moved(batch: Batch) -> Batch:
    """Bring a batch to where the model is."""
    return {
        name: tensor.pin_memory().to(device(), non_blocking=True) if torch.cuda.is_available() else tensor
        for name, tensor in batch.items()
    }


def pooled(model: BertModel, batch: Batch) -> torch.Tensor:
    """Embed a batch: the mean over its tokens, not normalised. Shape (n, hidden)."""
    batch = moved(batch)
    with autocast():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).float()
    return (hidden.float() * mask).sum(1) / mask.sum(1)


def autocast() -> torch.autocast:
    """Compute in 16 bits on a GPU."""
    return torch.autocast(device().type, torch.bfloat16, enabled=torch.cuda.is_available())


def embedded(model: BertModel, texts: Sequence[str], longest: int, size: int = 512) -> torch.Tensor:
    """Embed texts, normalised, in their order, those of like length together. Shape (n, hidden), on the CPU."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    made = torch.zeros(len(texts), model.config.hidden_size)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(order), size):
            numbers = order[start : start + size]
            batch = tokenised([texts[at] for at in numbers], longest)
            made[numbers] = functional.normalize(pooled(model, batch), dim=-1).cpu()
    model.train()
    return made
