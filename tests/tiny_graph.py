"""Write a minimal ONNX graph by hand, to run pooling and failures through the real runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tests.onnx_bytes import message, number, text, value_info

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

INT64, FLOAT = 7, 1
VOCABULARY = 30_522


def table(dimension: int = 3) -> NDArray[np.float32]:
    """One recognisable vector for each token id, shape (vocabulary, dimension)."""
    return np.random.default_rng(7).normal(size=(VOCABULARY, dimension)).astype(np.float32)


def write_lookup(path: Path, vectors: NDArray[np.float32], inputs: Sequence[str] = ("input_ids",)) -> Path:
    """Write a graph whose hidden state of a token is its row of ``vectors``; further inputs are ignored by it."""
    node = text(1, "table") + text(1, inputs[0]) + text(2, "hidden") + text(4, "Gather")
    weights = b"".join(number(1, size) for size in vectors.shape) + number(2, FLOAT)
    weights += text(8, "table") + message(9, vectors.tobytes())
    graph = message(1, node) + text(2, "tiny") + message(5, weights)
    graph += b"".join(message(11, value_info(name, INT64, ["n", "t"])) for name in inputs)
    graph += message(12, value_info("hidden", FLOAT, ["n", "t", *(f"d{axis}" for axis in range(1, vectors.ndim))]))
    path.write_bytes(number(1, 8) + message(7, graph) + message(8, text(1, "") + number(2, 17)))
    return path
