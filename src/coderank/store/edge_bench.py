"""Compressions tried out in the embedded engine: a temporary shard of the same make as an index."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import qdrant_edge as qdrant

from coderank.store.bench import Sizes
from coderank.store.edge_requests import search_params, shard_config
from coderank.store.edge_shard import RESERVE_BYTES, check_space, translated
from coderank.store.edge_view import SEGMENTS
from coderank.store.layout import DENSE, SHARD
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from coderank.store.quantization import Quantization
    from coderank.types import Matrix, Vector

BATCH = 1_000
_AT_ONCE = 1
"""KB of vectors from which on a segment is compressed: all of them, however few are sampled."""
_COMPRESSED = "quantized.data"
"""The engine's file of compressed vectors, in every segment."""
_WHOLE = 2
"""Bytes a number of the vectors themselves: float16, as an index stores them."""
_COPIES = 3
"""What a build takes on disk, in multiples of the vectors: the log, the segment, and the compacted one beside it."""


class EdgeBench:
    """A Bench in a folder of its own below ``folder`` (None: the system's place for temporary files)."""

    engine = "embedded"

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="coderank-bench-", dir=folder))
        self._shard: qdrant.EdgeShard | None = None
        self._nothing: int | None = None
        """Bytes of a shard without a vector."""

    def build(self, vectors: Matrix, quantization: Quantization) -> Sizes:
        """Store these vectors in a fresh shard, compacted; its files are measured."""
        self._close()
        place = self._folder / SHARD
        shutil.rmtree(place, ignore_errors=True)
        check_space(self._folder, RESERVE_BYTES + _COPIES * vectors.nbytes)
        with translated(self._folder):
            if self._nothing is None:
                self._made(place, vectors[:0], quantization)
                self._nothing = _stored(place)
                shutil.rmtree(place)
            self._made(place, vectors, quantization)
            compressed = sum(file.stat().st_size for file in place.rglob(_COMPRESSED))
            stored = _stored(place) - self._nothing
            self._shard = qdrant.EdgeShard.load(str(place), _config(vectors, quantization))
        count = max(1, len(vectors))
        whole = vectors.shape[1] * _WHOLE
        return Sizes(compressed / count or whole, max(stored, compressed + whole * count) / count)

    def search(self, query: Vector, limit: int, quantization: Quantization) -> list[int]:
        """Numbers of the nearest vectors, best first."""
        assert self._shard is not None, "nothing is built"
        request = qdrant.QueryRequest(
            limit=limit,
            query=qdrant.Query.Nearest(query.tolist(), using=DENSE),
            params=search_params(quantization),
        )
        with translated(self._folder):
            return [int(str(point.id)) for point in self._shard.query(request)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _made(self, place: Path, vectors: Matrix, quantization: Quantization) -> None:
        shard = qdrant.EdgeShard.create(str(place), _config(vectors, quantization))
        for start in range(0, len(vectors), BATCH):
            points = [
                qdrant.Point(start + number, {DENSE: vector.tolist()}, {})
                for number, vector in enumerate(vectors[start : start + BATCH])
            ]
            shard.update(qdrant.UpdateOperation.upsert_points(points))
        shard.optimize()
        shard.close()

    def _close(self) -> None:
        if self._shard is not None:
            with translated(self._folder):
                self._shard.close()
            self._shard = None


def _config(vectors: Matrix, quantization: Quantization) -> qdrant.EdgeConfig:
    return shard_config(vectors.shape[1], quantization, indexing_threshold=_AT_ONCE)


def _stored(shard: Path) -> int:
    """Bytes of the segments. The log beside them has an end, however many points there are."""
    return bytes_on_disk(shard / SEGMENTS)
