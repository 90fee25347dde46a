"""A sequence-classification model with one label through ONNX Runtime: pairs in, raw logits out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

CHARACTERS_PER_TOKEN = 12
"""Characters read for each token that is kept: code never had more than 10.8 in 2,500 pieces of 22 repositories."""

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_WEIGHTS = ("model.onnx", "onnx/model.onnx")
_VOCABULARIES = ("tokenizer.json", "vocab.txt")
_PADDING = ("[PAD]", "<pad>")
"""The padding token of BERT and of RoBERTa, whose position of a token depends on it."""


class PairModel:
    """One loaded model with its tokenizer. Not safe among threads: a tokenizer's limit is part of its state."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load ``model.onnx`` and ``tokenizer.json`` or ``vocab.txt``; ``threads`` work on one call, 0 for all cores.

        Raises:
            ModelUnavailableError: a file is missing or damaged, or the graph wants inputs that pairs do not have.
        """
        weights, vocabulary = files(folder)
        self._tokenizer = _tokenizer(vocabulary)
        found = (self._tokenizer.token_to_id(token) for token in _PADDING)
        self._padding = next((number for number in found if number is not None), 0)
        self._path = weights
        self._open(threads)

    def _open(self, threads: int) -> None:
        import onnxruntime  # noqa: PLC0415 - 0.1 s, and most searches are not reranked

        onnxruntime.disable_telemetry_events()  # nothing is sent anywhere
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from their neighbours.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
        except _refusals() as error:
            raise ModelUnavailableError(
                f"cannot load the reranker {self._path}: {error}", "Run: coderank doctor"
            ) from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        if not _INPUTS.issuperset(self._inputs):
            raise ModelUnavailableError(
                f"the reranker {self._path} wants the inputs {', '.join(self._inputs)}, not those of an encoder",
                "Give the ONNX file of a sequence-classification model",
            )

    def encode(self, query: str, passages: Sequence[str], max_tokens: int) -> list[Encoding]:
        """Tokenise ``[CLS] query [SEP] passage [SEP]``, the longer of both cut first."""
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        limit = max_tokens * CHARACTERS_PER_TOKEN
        asked = _encodable(query[:limit])
        return self._tokenizer.encode_batch_fast([(asked, _encodable(passage[:limit])) for passage in passages])

    def logits(self, rows: Sequence[Encoding]) -> NDArray[np.float32]:
        """Score each pair. Shape (n,).

        Raises:
            ModelError: the runtime refused, or the output is not one finite number for each pair.
        """
        shape = (len(rows), max(len(row.ids) for row in rows))
        inputs = {name: np.zeros(shape, dtype=np.int64) for name in _INPUTS}
        inputs["input_ids"] += self._padding
        for at, row in enumerate(rows):
            length = len(row.ids)
            inputs["input_ids"][at, :length] = row.ids
            inputs["attention_mask"][at, :length] = 1
            inputs["token_type_ids"][at, :length] = row.type_ids
        try:
            output = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        except _refusals() as error:
            raise ModelError(f"the reranker {self._path} failed on its input: {error}") from error
        logits = np.asarray(output, dtype=np.float32)
        if logits.shape not in {(len(rows), 1), (len(rows),)}:
            raise ModelError(
                f"the reranker {self._path} gives an output of shape {logits.shape} for {len(rows)} pairs",
                "Give a sequence-classification model with one label",
            )
        if not np.isfinite(logits).all():
            raise ModelError(f"the reranker {self._path} gives scores that are not finite")
        return logits.reshape(len(rows))


def files(folder: Path) -> tuple[Path, Path]:
    """Find weights and vocabulary of a model.

    Raises:
        ModelUnavailableError: the folder lacks one of them.
    """
    return _first(folder, _WEIGHTS), _first(folder, _VOCABULARIES)


def _first(folder: Path, names: Sequence[str]) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise ModelUnavailableError(
            f"{folder} has no {' or '.join(names)}", "Put the files of a cross-encoder exported to ONNX there"
        )
    return found


def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import BertWordPieceTokenizer, Tokenizer  # noqa: PLC0415 - 40 ms, only for reranking

    try:
        if path.suffix == ".json":
            tokenizer = Tokenizer.from_buffer(path.read_bytes())
        else:
            words = path.read_text("utf-8").splitlines()
            wordpiece = BertWordPieceTokenizer({word: number for number, word in enumerate(words)}, lowercase=True)
            tokenizer = Tokenizer.from_str(wordpiece.to_str())
    except (OSError, ValueError, TypeError) as error:
        raise ModelUnavailableError(f"cannot read the tokenizer {path}: {error}", "Run: coderank doctor") from error
    tokenizer.no_padding()
    return tokenizer


def _encodable(text: str) -> str:
    # A file name that is not UTF-8 reaches a text as lone surrogates, which the tokenizer refuses.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _refusals() -> tuple[type[Exception], ...]:
    """List what ONNX Runtime raises: its exceptions have no base in common below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    members = vars(raised).values()
    return tuple(member for member in members if isinstance(member, type) and issubclass(member, Exception))
