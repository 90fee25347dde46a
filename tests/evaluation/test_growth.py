"""Stores of any size from few real chunks, and what compression costs."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from coderank.evaluation.bench import compressed
from coderank.evaluation.growth import Pool, build, disturbed
from coderank.store.edge import EdgeStore
from coderank.store.quantization import Quantization
from coderank.types import Chunk

DIMENSION = 64


def pool(count: int) -> Pool:
    random = np.random.default_rng(1)
    vectors = random.standard_normal((count, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"transform_{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(count)]
    chunks = [Chunk(f"part_{n}.py", 1, 1, "python", f"{name}(x)") for n, name in enumerate(names)]
    return Pool(chunks, vectors)


def test_the_first_round_is_the_real_one_and_copies_differ_in_names_and_vectors() -> None:
    real = pool(40)
    points = list(islice(real.points(), 120))
    assert [point.chunk for point in points[:40]] == list(real.chunks)
    assert len({point.id for point in points}) == 120
    assert points[40].chunk.path == "copy_1/part_0.py"
    changed = [point for point in points[40:80] if "Variant1" in point.chunk.content]
    assert 0 < len(changed) < 40
    cosines = [float(points[n].dense @ points[n + 40].dense) for n in range(40)]  # type: ignore[operator]
    assert 0.9 < min(cosines) <= max(cosines) < 0.99
    assert all(np.array_equal(row, point.dense) for row, point in zip(real.grown(90), points, strict=False))  # type: ignore[arg-type]


def test_a_store_has_as_many_points_as_wanted(tmp_path: Path) -> None:
    build(pool(40), tmp_path, 100)
    with closing(EdgeStore(tmp_path, DIMENSION)) as store:
        assert (store.counts().points, store.counts().dense) == (100, 100)


def test_noise_keeps_the_length() -> None:
    vectors = disturbed(pool(10).vectors, np.random.default_rng(2))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(10), abs=1e-5)


def test_recall_is_whole_without_compression_and_falls_with_one_bit() -> None:
    real = pool(400)
    queries = disturbed(real.vectors[::20], np.random.default_rng(3))
    whole, one_bit, again = compressed(real, queries, 700, (Quantization(), Quantization("binary"), Quantization()))
    assert whole.recall == again.recall == 1.0
    assert one_bit.recall < 1.0
    assert whole.ms > 0
    assert one_bit.disk_bytes > 0
    assert (whole.label, one_bit.label) == ("none", "binary 1 bit x1")
