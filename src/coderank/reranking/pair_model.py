"""A sequence-classification model with one label through ONNX Runtime: pairs in, raw logits out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding

SLOW_FUSIONS = ["SkipLayerNormFusion"]
"""What the runtime is kept from: its kernel for a sum and its normalisation in one is six times as slow as the two by
themselves. Without it a model of MiniLM's size in int8 takes 30 ms instead of 36 for 220 tokens on one core."""

SMALL = 100_000_000
"""Bytes of a graph up to which each thread scores a batch of its own. MiniLM in 8 bits, 2 cores beside other work: 57
pairs of 128 tokens a second, and 46 with both on one batch after the other; of 192 tokens 44 and 38. Layers of 768 and
more keep all cores busy by themselves, and two of them get in each other's way."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class GraphPairs:
    """One loaded graph. Safe to run from several threads."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load a graph; ``threads`` work for it, 0 for all cores on one batch.

        Raises:
            ModelUnavailableError: the file is damaged, or wants inputs that pairs do not have.
        """
        import onnxruntime  # noqa: PLC0415 - 0.1 s, and most searches are not reranked

        onnxruntime.disable_telemetry_events()  # nothing is sent anywhere
        options = onnxruntime.SessionOptions()
        self.at_once = max(1, threads) if path.stat().st_size <= SMALL else 1
        options.intra_op_num_threads = threads if self.at_once == 1 else 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from their neighbours.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
            )
        except _refusals() as error:
            raise ModelUnavailableError(f"cannot load the reranker {path}: {error}", "Run: coderank doctor") from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        if not set(_INPUTS).issuperset(self._inputs):
            raise ModelUnavailableError(
                f"the reranker {path} wants the inputs {', '.join(self._inputs)}, not those of an encoder",
                "Give the ONNX file of a sequence-classification model",
            )

    def logits(self, rows: Sequence[Encoding], padding: int) -> NDArray[np.float32]:
        """Score each pair. Shape (n,).

        Raises:
            ModelError: the runtime refused, or the output is not one finite number for each pair.
        """
        inputs = padded(rows, padding)
        try:
            output = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        except _refusals() as error:
            raise ModelError(f"the reranker {self._path} failed on its input: {error}") from error
        return checked(np.asarray(output, dtype=np.float32), len(rows), self._path)


def padded(rows: Sequence[Encoding], padding: int) -> dict[str, NDArray[np.int64]]:
    """Lay pairs out as the inputs of a BERT encoder, each of shape (n, longest), padded on the right."""
    shape = (len(rows), max(len(row.ids) for row in rows))
    inputs = {name: np.zeros(shape, dtype=np.int64) for name in _INPUTS}
    inputs["input_ids"] += padding
    for at, row in enumerate(rows):
        length = len(row.ids)
        inputs["input_ids"][at, :length] = row.ids
        inputs["attention_mask"][at, :length] = 1
        inputs["token_type_ids"][at, :length] = row.type_ids
    return inputs


def checked(logits: NDArray[np.float32], pairs: int, origin: Path) -> NDArray[np.float32]:
    """Give one number for each pair. Shape (n,).

    Raises:
        ModelError: the output has another shape, or is not finite.
    """
    if logits.shape not in {(pairs, 1), (pairs,)}:
        raise ModelError(
            f"the reranker {origin} gives an output of shape {logits.shape} for {pairs} pairs",
            "Give a sequence-classification model with one label",
        )
    if not np.isfinite(logits).all():
        raise ModelError(f"the reranker {origin} gives scores that are not finite")
    return logits.reshape(pairs)


def _refusals() -> tuple[type[Exception], ...]:
    """List what ONNX Runtime raises: its exceptions have no base in common below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    members = vars(raised).values()
    return tuple(member for member in members if isinstance(member, type) and issubclass(member, Exception))
