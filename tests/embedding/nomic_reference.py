"""NomicBERT's forward pass in numpy, written from its description and not from anybody's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tests.hub_layout import Shape

ROTARY_BASE = 1000.0
EPSILON = 1e-12


def hidden_states(tensors: Mapping[str, NDArray[np.float32]], shape: Shape, ids: Sequence[int]) -> NDArray[np.float64]:
    """Hidden states of one text, shape (tokens, hidden), in double precision."""
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items() if "word_embeddings" not in name}
    states = tensors["embeddings.word_embeddings.weight"][list(ids)].astype(np.float64)
    states = _norm(weights, "emb_ln", states + weights["embeddings.token_type_embeddings.weight"][0])
    for layer in range(shape.layers):
        stem = f"encoder.layers.{layer}"
        states = _norm(weights, f"{stem}.norm1", states + _attention(weights, f"{stem}.attn", shape.heads, states))
        states = _norm(weights, f"{stem}.norm2", states + _swiglu(weights, f"{stem}.mlp", states))
    return states


def _attention(
    weights: Mapping[str, NDArray[np.float64]], stem: str, heads: int, states: NDArray[np.float64]
) -> NDArray[np.float64]:
    tokens, hidden = states.shape
    mixed = (states @ weights[f"{stem}.Wqkv.weight"].T).reshape(tokens, 3, heads, hidden // heads)
    query, key, value = (mixed[:, which].transpose(1, 0, 2) for which in range(3))
    scores = _rotated(query) @ _rotated(key).transpose(0, 2, 1) / np.sqrt(hidden // heads)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attended = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    return np.asarray(attended.transpose(1, 0, 2).reshape(tokens, hidden) @ weights[f"{stem}.out_proj.weight"].T)


def _rotated(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the pair (i, i + half) of every token's vector by its position times base^(-2i / size)."""
    half = vectors.shape[-1] // 2
    angles = np.arange(vectors.shape[1])[:, None] * ROTARY_BASE ** (-np.arange(half) / half)
    first, second = vectors[..., :half], vectors[..., half:]
    return np.concatenate(
        [first * np.cos(angles) - second * np.sin(angles), second * np.cos(angles) + first * np.sin(angles)], axis=-1
    )


def _swiglu(weights: Mapping[str, NDArray[np.float64]], stem: str, states: NDArray[np.float64]) -> NDArray[np.float64]:
    up = states @ weights[f"{stem}.fc11.weight"].T
    gate = states @ weights[f"{stem}.fc12.weight"].T
    return np.asarray((up * gate / (1.0 + np.exp(-gate))) @ weights[f"{stem}.fc2.weight"].T)


def _norm(weights: Mapping[str, NDArray[np.float64]], name: str, states: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = states - states.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(states.var(axis=-1, keepdims=True) + EPSILON)
    return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])
