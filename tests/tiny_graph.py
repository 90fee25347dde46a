"""Write a minimal ONNX graph by hand, to run pooling and failures through the real runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    node = _text(1, "table") + _text(1, inputs[0]) + _text(2, "hidden") + _text(4, "Gather")
    weights = b"".join(_number(1, size) for size in vectors.shape) + _number(2, FLOAT)
    weights += _text(8, "table") + _bytes(9, vectors.tobytes())
    graph = _bytes(1, node) + _text(2, "tiny") + _bytes(5, weights)
    graph += b"".join(_bytes(11, _value(name, INT64, ["n", "t"])) for name in inputs)
    graph += _bytes(12, _value("hidden", FLOAT, ["n", "t", *(f"d{axis}" for axis in range(1, vectors.ndim))]))
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 17)))
    return path


def _value(name: str, kind: int, axes: Sequence[str]) -> bytes:
    shape = b"".join(_bytes(1, _text(2, axis)) for axis in axes)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
