"""The raw points of a shard on this machine, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import qdrant_edge as qdrant

from coderank.errors import INDEX, IndexNotFoundError
from coderank.store.edge_requests import shard_config
from coderank.store.edge_shard import (
    BUSY_TIMEOUT_S,
    check_space,
    close,
    create,
    load,
    load_beside,
    shared_by_turns,
    static_vectors,
    translated,
)
from coderank.store.edge_view import CONFIG
from coderank.store.layout import SHARD, STATIC_PREFIX
from coderank.store.raw import RAW_PAGE, PointId, RawPoint, VectorSpec, in_order_of
from coderank.store.records import raw_points
from coderank.types import SparseVector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path


WRITE_BATCH = 512
"""Points per update, as the store of the same engine writes them."""


def open_edge_points(
    folder: Path,
    *,
    shard: str = SHARD,
    dimension: int | None = None,
    verify: Callable[[], object] = lambda: None,
    busy_timeout: float = BUSY_TIMEOUT_S,
) -> EdgePoints:
    """Open the points of the shard ``folder/shard``, sharing the folder with other processes by its lease.

    With ``dimension``, a shard that is not there yet is made by the first write, as coderank's own index of that
    dimension. ``verify`` runs before every opening and raises if the folder is no longer what the caller takes it for.
    Nothing is touched before the first use, which raises IndexNotFoundError where there is no shard.
    """
    return EdgePoints(folder, shard, dimension, verify, busy_timeout)


class EdgePoints:
    """RawPoints of a shard. Opens on first use, and hands the folder over between two operations.

    Vectors that stand in for dense ones are left out: they are made again, in no time, wherever they are wanted.
    """

    def __init__(
        self, folder: Path, shard: str, dimension: int | None, verify: Callable[[], object], busy_timeout: float
    ) -> None:
        self._folder = folder
        self._shard = folder / shard
        self._dimension = dimension
        self._verify = verify
        self._tenancy = shared_by_turns(self._shard, self._open, self._open_beside, self._close, busy_timeout)

    def specs(self) -> tuple[VectorSpec, ...]:
        """Which vectors the points may have, by name."""
        with self._using():
            return self._specs()

    def count(self) -> int:
        """How many points there are."""
        with self._using() as engine, translated(self._folder):
            return engine.count(qdrant.CountRequest())

    def pages(self, *, vectors: bool, size: int = RAW_PAGE, after: PointId | None = None) -> Iterator[list[RawPoint]]:
        """Give all points in the order of their ids, those after ``after`` if it is given."""
        while True:
            # The engine's offset is inclusive: one more is asked for, and the one before is left out.
            asked = size if after is None else size + 1
            with self._using() as engine, translated(self._folder):
                names = self._names() if vectors else False
                records, following = engine.scroll(
                    qdrant.ScrollRequest(offset=after, limit=asked, with_payload=True, with_vector=names)
                )
            page = [point for point in raw_points(records, qdrant.SparseVector) if point.id != after][:size]
            if page:
                yield page
                after = page[-1].id
            if following is None and len(records) < asked:
                return

    def retrieve(self, ids: Sequence[PointId], *, vectors: bool) -> list[RawPoint]:
        """Points by id, in the order of the ids; those that do not exist are absent."""
        with self._using() as engine, translated(self._folder):
            names = self._names() if vectors else False
            records = engine.retrieve(list(ids), with_payload=True, with_vector=names)
        return in_order_of(ids, list(raw_points(records, qdrant.SparseVector)))

    def write(self, points: Sequence[RawPoint]) -> None:
        """Insert or replace whole points; returns when they are in the log that survives the process."""
        for start in range(0, len(points), WRITE_BATCH):
            batch = [_engine_point(point) for point in points[start : start + WRITE_BATCH]]
            with self._tenancy.use(self._open_or_create) as engine, translated(self._folder):
                check_space(self._folder)
                engine.update(qdrant.UpdateOperation.upsert_points(batch))

    def delete(self, ids: Sequence[PointId]) -> None:
        """Remove points by id; those that do not exist are ignored."""
        for start in range(0, len(ids), WRITE_BATCH):
            with self._using(reads=False) as engine, translated(self._folder):
                check_space(self._folder)
                engine.update(qdrant.UpdateOperation.delete_points(list(ids[start : start + WRITE_BATCH])))

    def close(self) -> None:
        """Flush and release; the points can be used again."""
        self._tenancy.close()

    def _using(self, *, reads: bool = True) -> AbstractContextManager[qdrant.EdgeShard]:
        """Open what is there; a folder that is not is not made for the locks of its lease."""
        if not self._folder.exists():
            self._verify()
            raise self._nothing()
        return self._tenancy.use(reads=reads)

    def _nothing(self) -> IndexNotFoundError:
        return IndexNotFoundError(f"No points at {self._shard}", f"Build an index first: coderank index {INDEX}")

    def _specs(self) -> tuple[VectorSpec, ...]:
        specs = _specs((self._shard / CONFIG).read_bytes())  # written whenever a shard is opened
        return tuple(spec for spec in specs if not spec.name.startswith(STATIC_PREFIX))

    def _names(self) -> bool | list[str]:
        """What the engine is to give of a point's vectors: all, or all but those that stand in for others."""
        return [spec.name for spec in self._specs()] if static_vectors(self._shard) else True

    def _open(self) -> qdrant.EdgeShard:
        self._verify()
        if not self._shard.exists():
            raise self._nothing()
        return load(self._shard)

    def _open_beside(self) -> qdrant.EdgeShard | None:
        self._verify()
        return load_beside(self._shard)

    def _open_or_create(self) -> qdrant.EdgeShard:
        if self._dimension is not None and not self._shard.exists():
            self._verify()
            create(self._shard, shard_config(self._dimension))
        return self._open()

    def _close(self, engine: qdrant.EdgeShard) -> None:
        close(engine, self._shard)


def _specs(config: bytes) -> tuple[VectorSpec, ...]:
    described: dict[str, Any] = msgspec.json.decode(config)
    dense = [
        VectorSpec(name, params["size"], params["distance"], multi=params.get("multivector_config") is not None)
        for name, params in described.get("vectors", {}).items()
    ]
    sparse = [
        VectorSpec(name, 0, "", sparse=True, idf=params.get("modifier") == "idf")
        for name, params in described.get("sparse_vectors", {}).items()
    ]
    return tuple(sorted([*dense, *sparse], key=lambda spec: spec.name))


def _engine_point(point: RawPoint) -> qdrant.Point:
    vectors: dict[str, qdrant.NamedVector] = {
        name: qdrant.SparseVector(list(vector.indices), list(vector.values))
        if isinstance(vector, SparseVector)
        else vector.tolist()
        for name, vector in point.vectors.items()
    }
    return qdrant.Point(point.id, vectors, point.payload)
