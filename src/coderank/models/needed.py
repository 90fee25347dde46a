"""Which files of a hub repository a model needs: no code, no pickles, no second copy of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.models.layout import INDEX, SINGLE, weight_files

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.models.catalogue import Model

TORCH = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    SINGLE,
    INDEX,
    "model-*.safetensors",
)
"""Of a model that torch runs, or that is exported from torch."""
GRAPHS = ("model.onnx", "onnx/model.onnx")
VOCABULARIES = ("tokenizer.json", "vocab.txt")
PAIRS = (
    "config.json",
    *VOCABULARIES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    *GRAPHS,
)
"""Of a reranker that ONNX Runtime runs: its authors' own graph, as a reranker is not exported here."""


def files_of(model: Model) -> tuple[str, ...]:
    """List the names and patterns of the files to download."""
    return PAIRS if _is_pair_model(model) else TORCH


def missing(folder: Path, model: Model) -> list[str]:
    """Name what a folder lacks for the model to run, as it does after an interrupted download.

    Raises:
        ModelUnavailableError: the index of its weights cannot be read.
    """
    if _is_pair_model(model):
        alternatives = (GRAPHS, VOCABULARIES)
        return [" or ".join(names) for names in alternatives if not any((folder / name).is_file() for name in names)]
    wanted = [folder / "config.json", *weight_files(folder)]
    return [path.relative_to(folder).as_posix() for path in wanted if not path.is_file()]


def _is_pair_model(model: Model) -> bool:
    return model.kind == "reranker" and "onnx" in model.backends
