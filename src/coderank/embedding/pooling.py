"""From the hidden states of a text's tokens to one unit vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from coderank.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coderank.types import Matrix

Pooling: TypeAlias = Literal["mean", "cls", "last"]
"""How a model condenses its tokens: their mean, the first one, or the last one."""


def pool(hidden: NDArray[np.float32], mask: NDArray[np.int64], pooling: Pooling) -> Matrix:
    """Condense hidden states, shape (n, tokens, dimension), by a right-padded mask, shape (n, tokens)."""
    lengths = mask.sum(axis=1)
    vectors: Matrix
    if pooling == "cls":
        vectors = hidden[:, 0]
    elif pooling == "last":
        vectors = hidden[np.arange(len(hidden)), lengths - 1]
    else:
        vectors = (mask[:, None].astype(np.float32) @ hidden)[:, 0] / lengths[:, None].astype(np.float32)
    return vectors


def normalise(vectors: Matrix, model: str) -> Matrix:
    """Scale rows to length one. Raises ModelError for a row that has no direction: zero, infinite or not a number."""
    # As np.linalg.norm does it; of one vector, a query's, that takes four times as long.
    norms = np.sqrt(np.add.reduce(vectors * vectors, axis=1, keepdims=True))
    if not (norms.min(initial=1.0) > 0 and norms.max(initial=1.0) < np.inf):
        raise ModelError(
            f"{model} produced a vector that is zero or not finite",
            "The weights are damaged or do not fit this model: download them again",
        )
    return np.asarray(vectors / norms, dtype=np.float32)
