"""Which files a sequence-classification model has, and how a query and a passage become its tokens."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from coderank.errors import ModelUnavailableError
from coderank.reranking.tokens import encodable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

CHARACTERS_PER_TOKEN = 12
"""Characters read for each token that is kept: code never had more than 10.8 in 2,500 pieces of 22 repositories."""

_GRAPHS = ("model.onnx", "onnx/model.onnx")
_TENSORS = ("model.safetensors",)
_VOCABULARIES = ("tokenizer.json", "vocab.txt")
_UNKNOWN = "[UNK]"
_SPECIAL = ("[PAD]", _UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
_PADDING = ("[PAD]", "<pad>")
"""The padding token of BERT and of RoBERTa, whose position of a token depends on it."""


class Scorer(Protocol):
    """A loaded model of one label."""

    @property
    def at_once(self) -> int:
        """Batches that are scored in the time of one, by as many threads."""
        ...

    def logits(self, rows: Sequence[Encoding], padding: int) -> NDArray[np.float32]:
        """Score each pair. Shape (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class PairFiles:
    """What a folder holds of a model."""

    weights: Path
    """An ONNX graph, or tensors in safetensors for torch."""
    vocabulary: Path

    @property
    def is_graph(self) -> bool:
        """Whether ONNX Runtime runs it."""
        return self.weights.suffix == ".onnx"


Find: TypeAlias = Callable[[], PairFiles]
"""Finds the files of a model whenever it is called, or raises ModelUnavailableError."""


@dataclass(frozen=True, slots=True)
class PairModel:
    """A cross-encoder, before any of its files is read."""

    name: str
    identity: str
    """Tells it from others, where their speeds are remembered."""
    find: Find
    max_tokens: int = 512
    """Of query and passage together, with special tokens."""


def files(folder: Path) -> PairFiles:
    """Find weights and vocabulary; a graph before tensors, whose torch takes seconds to import.

    Raises:
        ModelUnavailableError: the folder lacks one of them, or torch for what it has.
    """
    found = PairFiles(_first(folder, (*_GRAPHS, *_TENSORS)), _first(folder, _VOCABULARIES))
    if not found.is_graph:
        missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
        if missing:
            raise ModelUnavailableError(
                f"{found.weights} needs {' and '.join(missing)}",
                "Run: pip install 'coderank[torch]', or export it to ONNX",
            )
    return found


def in_folder(name: str, folder: Path, max_tokens: int = 512) -> PairModel:
    """Describe the model whose files are in a folder."""
    return PairModel(name, str(folder), partial(files, folder), max_tokens)


class PairTokenizer:
    """Turns pairs into tokens. Not safe among threads: a tokenizer's limit is part of its state."""

    def __init__(self, vocabulary: Path) -> None:
        """Load ``tokenizer.json`` or ``vocab.txt``.

        Raises:
            ModelUnavailableError: it is damaged.
        """
        self._tokenizer = _loaded(vocabulary)
        found = (self._tokenizer.token_to_id(token) for token in _PADDING)
        self.padding: int = next((number for number in found if number is not None), 0)

    def encode(self, query: str, passages: Sequence[str], max_tokens: int) -> list[Encoding]:
        """Tokenise ``[CLS] query [SEP] passage [SEP]``, the longer of both cut first."""
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        limit = max_tokens * CHARACTERS_PER_TOKEN
        asked = encodable(query[:limit])
        return self._tokenizer.encode_batch_fast([(asked, encodable(passage[:limit])) for passage in passages])


def _first(folder: Path, names: Sequence[str]) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise ModelUnavailableError(
            f"{folder} has no {' or '.join(names)}", "Put the files of a cross-encoder there, or pull one"
        )
    return found


def _loaded(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 - 40 ms, only for reranking

    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes()) if path.suffix == ".json" else _of_vocabulary(path)
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(f"cannot read the tokenizer {path}: {error}", "Run: coderank doctor") from error
    tokenizer.no_padding()
    return tokenizer


def _of_vocabulary(path: Path) -> Tokenizer:
    """Build BERT's uncased tokenizer. 15 ms for 30,000 words, where the library's own class for it takes 75."""
    from tokenizers import Tokenizer  # noqa: PLC0415
    from tokenizers.models import WordPiece  # noqa: PLC0415
    from tokenizers.normalizers import BertNormalizer  # noqa: PLC0415
    from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: PLC0415
    from tokenizers.processors import BertProcessing  # noqa: PLC0415

    path.read_text("utf-8")  # for an error of its own kind: the library raises a bare Exception
    tokenizer = Tokenizer(WordPiece.from_file(str(path), unk_token=_UNKNOWN))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    separator, first = tokenizer.token_to_id("[SEP]"), tokenizer.token_to_id("[CLS]")
    if separator is None or first is None:
        raise ValueError(f"it has no {'[SEP]' if separator is None else '[CLS]'}")
    tokenizer.add_special_tokens([token for token in _SPECIAL if tokenizer.token_to_id(token) is not None])
    tokenizer.post_processor = BertProcessing(("[SEP]", separator), ("[CLS]", first))
    return tokenizer
