"""Tables of token vectors that nobody trained: random, over the vocabulary that comes with coderank."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from coderank.embedding.static import StaticTable

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = 30_522


def random_table(dimension: int, seed: int = 0) -> StaticTable:
    """Make a table; tokens of a lower weight are as frequent as tokens of a higher one."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-127, 128, (VOCABULARY, dimension)).astype(np.int8)
    return StaticTable(vectors, rng.random(VOCABULARY).astype(np.float16).astype(np.float32))


def write_table(path: Path, table: StaticTable) -> Path:
    """Write a safetensors file, byte by byte as the format says."""
    parts: dict[str, tuple[str, np.ndarray]] = {
        "table": ("I8", table.vectors),
        "scales": ("F16", table.scales.astype(np.float16)),
    }
    header: dict[str, object] = {"__metadata__": {"name": "random"}}
    end = 0
    for name, (dtype, values) in parts.items():
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": (end, end + values.nbytes)}
        end += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(values.tobytes() for _, values in parts.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path
