"""The embedded store: Qdrant's engine in this process, on a folder that several processes share by turns."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import qdrant_edge as qdrant

from coderank.store.checks import check_points, check_request, check_vectors
from coderank.store.contract import Counts
from coderank.store.edge_requests import (
    engine_point,
    of_paths,
    shard_config,
    with_static,
    without_dense,
    without_vectors,
)
from coderank.store.edge_scoring import chunks_by_id, ranked
from coderank.store.edge_shard import (
    BUSY_TIMEOUT_S,
    EMPTY_BYTES,
    RESERVE_BYTES,
    check_finished,
    check_space,
    close,
    create,
    is_finished,
    load,
    load_beside,
    make_static_place,
    remove,
    shared_by_turns,
    static_vectors,
    translated,
    unfinished,
)
from coderank.store.layout import DENSE, SHARD
from coderank.store.payload import PATH, from_payload, path_of, to_payload
from coderank.store.quantization import TURBO
from coderank.store.room import bytes_on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from coderank.store.contract import StoreQuery
    from coderank.store.layout import StaticVector
    from coderank.store.quantization import Quantization
    from coderank.types import Candidate, Chunk, Matrix, Point

BATCH = 512
"""Points per update: 40 ms of work, so a process that waits is let in soon. Larger batches are no faster."""
PAGE = 1_000
"""Points per scroll: 5 ms."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _NeverWrittenError(Exception):
    """There is nothing to read from."""


class EdgeStore:
    """A Store in a folder of this machine.

    Opens on first use, stays open, and hands over to a waiting process between two operations. Processes that
    only read have it open beside each other. Safe to use from several threads; an acknowledged write survives the death
    of the process. Reading creates no store.
    ``verify`` runs before every opening and raises if the folder is no longer what the caller takes it for: another
    process may have built it anew. ``verify_empty`` runs before one that does not exist answers with nothing, and
    raises if there should be points. Another ``quantization`` than before is taken up by the next `optimize`. A place
    for the ``static`` vector, where one is to be kept, is made before points are written; those of another table are
    dropped then.
    """

    def __init__(
        self,
        folder: Path,
        dimension: int,
        *,
        quantization: Quantization = TURBO,
        static: StaticVector | None = None,
        busy_timeout: float = BUSY_TIMEOUT_S,
        verify: Callable[[], object] = lambda: None,
        verify_empty: Callable[[], object] = lambda: None,
    ) -> None:
        self._folder = folder
        self._shard = folder / SHARD
        self._dimension = dimension
        self._quantization = quantization
        self._static = static
        self._has_static = False
        """Whether the shard that is open has a place for the static vector."""
        self._verify = verify
        self._verify_empty = verify_empty
        self._tenancy = shared_by_turns(self._shard, self._open, self._open_beside, self._close, busy_timeout)
        self._counts: Counts | None = None
        self.only_read = True
        """Whether nothing was written. Such a store may be left to the end of the process instead of being closed: the
        engine drops the files of what it closes from the page cache (150 ms for 50 k points here, and the next process
        reads them from the disk again)."""

    @property
    def exists(self) -> bool:
        """Whether it was written. One that looks sound is not opened to tell; IndexCorruptError if it is damaged."""
        if not self._shard.exists():
            self.close()  # what is open here is lost as well: what is written from now on must not go there
        elif not is_finished(self._shard):
            self._read(lambda _: check_finished(self._shard), None)  # another process may just have been replacing it
        return self._shard.exists()

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace whole points, with their dense and static vectors where given."""
        check_points(points, self._dimension)
        self._make_static_place()
        for batch in _batches(points, BATCH):
            with self._writing() as shard:
                static = self._static if self._has_static else None
                shard.update(qdrant.UpdateOperation.upsert_points([engine_point(point, static) for point in batch]))

    def set_dense(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Attach dense vectors, shape (len(ids), dimension), to those of the points that still exist."""
        check_vectors(ids, vectors, self._dimension)
        self._set(DENSE, ids, vectors)

    def set_static(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Attach static vectors to those of the points that still exist; does nothing where none are kept."""
        if self._static is None:
            return
        check_vectors(ids, vectors, self._static.dimension)
        self._make_static_place()
        self._set(self._static.name, ids, vectors)

    def move(self, chunks: Mapping[str, Chunk]) -> None:
        """Replace the payload of existing points by id; vectors stay."""
        for batch in _batches(list(chunks), BATCH):
            with self._writing() as shard:
                for id_ in sorted(_existing(shard, batch)):
                    shard.update(qdrant.UpdateOperation.overwrite_payload([id_], to_payload(chunks[id_])))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points by id."""
        for batch in _batches(ids, BATCH):
            with self._writing() as shard:
                shard.update(qdrant.UpdateOperation.delete_points(list(batch)))

    def delete_paths(self, paths: Sequence[str]) -> None:
        """Remove every point of these files."""
        for batch in _batches(paths, BATCH):
            with self._writing() as shard:
                shard.update(qdrant.UpdateOperation.delete_points_by_filter(of_paths(batch)))

    def query(self, request: StoreQuery) -> list[Candidate]:
        """Give the best ``limit`` points and the definitions asked for, best first, ties by (path, start_line)."""
        check_request(request, self._dimension)
        return self._read(lambda shard: ranked(shard, request, self._quantization, self._static_here), [])

    def retrieve(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Chunks by id; ids that do not exist are absent."""
        return self._read(lambda shard: chunks_by_id(shard, set(ids)), {})

    def chunks_of(self, paths: Sequence[str]) -> dict[str, Chunk]:
        """Every chunk of these files, by id."""
        found: dict[str, Chunk] = {}
        for batch in _batches(paths, BATCH):
            records = self._scroll(of_paths(batch), with_payload=True)
            found.update((str(record.id), from_payload(record.payload)) for record in records)
        return found

    def without_dense(self) -> Iterator[tuple[str, str]]:
        """(id, path) of every point that has no dense vector yet; points added meanwhile may be missed."""
        for record in self._scroll(without_dense(), with_payload=[PATH]):
            yield str(record.id), path_of(record.payload)

    def without_vectors(self) -> Iterator[str]:
        """Id of every point that has neither a dense nor a static vector; none where static ones are not kept."""
        if self._static is None or not self._shard.exists():
            return
        has_place = self._static in static_vectors(self._shard)
        bare = without_vectors(self._static) if has_place else without_dense()
        for record in self._scroll(bare, with_payload=False):
            yield str(record.id)

    def paths(self) -> Iterator[str]:
        """Path of every point; one of several points comes as often."""
        return (path_of(record.payload) for record in self._scroll(None, with_payload=[PATH]))

    def take_over(self) -> None:
        """Do nothing: whoever has the folder has the points."""

    def counts(self) -> Counts:
        """How many points there are, and how many have a dense vector, and a static one."""
        return self._counts or self._read(self._counted, Counts(0, 0))

    def optimize(self) -> bool:
        """Rewrite the points into one compact segment if enough of them changed; return whether it did.

        Opening is then four times faster (50 k points: 0.10 s instead of 0.37 s), searching is not. It keeps the
        folder for up to 90 us per point, so it belongs at the end of an indexing run; it is skipped where the disk has
        no room for a second copy.
        """
        try:
            with self._tenancy.use() as shard, translated(self._folder):
                return self._optimized(shard)
        except _NeverWrittenError:
            return False

    def erase(self, then: Callable[[], object] | None = None) -> None:
        """Delete every point, also of a damaged index or one of another dimension; foreign files are refused.

        Nothing is deleted where the disk would have no room for another index then.
        ``then`` runs before any process can open the folder again: the place to record what it is built with now.
        """
        with self._tenancy.vacant():
            check_space(self._folder, RESERVE_BYTES + EMPTY_BYTES, freed=bytes_on_disk(self._shard))
            for folder in (self._shard, unfinished(self._shard)):
                remove(folder)
            if then is not None:
                then()

    def close(self) -> None:
        """Flush and release; the store can be used again and reopens by itself."""
        self._tenancy.close()

    def _counted(self, shard: qdrant.EdgeShard) -> Counts:
        if self._counts is None:
            points = shard.count(qdrant.CountRequest())
            bare = shard.count(qdrant.CountRequest(filter=without_dense()))
            here = self._static_here if bare else None
            static = shard.count(qdrant.CountRequest(filter=with_static(here))) if here else 0
            self._counts = Counts(points, points - bare, static)
        return self._counts

    @property
    def _static_here(self) -> StaticVector | None:
        """The static vector, if the shard that is open has it."""
        return self._static if self._has_static else None

    def _make_static_place(self) -> None:
        if self._static is None or not self._shard.exists() or self._static in static_vectors(self._shard):
            return  # a shard that is not there yet is made with it
        with self._tenancy.vacant():
            self._verify()
            make_static_place(self._shard, self._static, partial(shard_config, self._dimension, self._quantization))

    def _set(self, name: str, ids: Sequence[str], vectors: Matrix) -> None:
        for batch in _batches(list(zip(ids, vectors, strict=True)), BATCH):
            with self._writing() as shard:
                existing = _existing(shard, [id_ for id_, _ in batch])
                update = [qdrant.PointVectors(id_, {name: vector.tolist()}) for id_, vector in batch if id_ in existing]
                shard.update(qdrant.UpdateOperation.update_vectors(update))

    def _optimized(self, shard: qdrant.EdgeShard) -> bool:
        files = [file for file in self._shard.rglob("*") if file.is_file()]
        room = shutil.disk_usage(self._folder).free > RESERVE_BYTES + sum(file.stat().st_size for file in files)
        self.only_read = False
        return room and shard.optimize()

    def _read(self, ask: Callable[[qdrant.EdgeShard], Answer], otherwise: Answer) -> Answer:
        """Ask the engine; ``otherwise`` is the answer of a store that was never written."""
        try:
            with self._tenancy.use(reads=True) as shard, translated(self._folder):
                return ask(shard)
        except _NeverWrittenError:
            return otherwise

    @contextmanager
    def _writing(self) -> Iterator[qdrant.EdgeShard]:
        self.only_read = False
        with self._tenancy.use(self._open_or_create) as shard, translated(self._folder):
            check_space(self._folder)
            self._counts = None
            yield shard

    def _open(self) -> qdrant.EdgeShard:
        self._verify()
        if not self._shard.exists():
            self._verify_empty()
            raise _NeverWrittenError
        return self._load()

    def _open_or_create(self) -> qdrant.EdgeShard:
        self._verify()
        if not self._shard.exists():
            self._create()
        return self._load()

    def _load(self) -> qdrant.EdgeShard:
        self._counts = None
        check_finished(self._shard)
        return load(self._shard, self._config())

    def _open_beside(self) -> qdrant.EdgeShard | None:
        self._verify()
        self._counts = None
        return load_beside(self._shard, self._config(wal=False))

    def _config(self, *, wal: bool = True) -> qdrant.EdgeConfig:
        there = static_vectors(self._shard)
        self._has_static = self._static in there
        return shard_config(self._dimension, self._quantization, static=there, wal=wal)

    def _close(self, shard: qdrant.EdgeShard) -> None:
        self._counts = None
        close(shard, self._shard)

    def _create(self) -> None:
        kept = [self._static] if self._static else []
        create(self._shard, shard_config(self._dimension, self._quantization, static=kept))

    def _scroll(self, where: qdrant.Filter | None, *, with_payload: bool | list[str]) -> Iterator[qdrant.Record]:
        offset: qdrant.PointId | None = None
        while True:
            request = qdrant.ScrollRequest(offset=offset, limit=PAGE, filter=where, with_payload=with_payload)
            records, offset = self._page(request)
            yield from records
            if offset is None:
                return

    def _page(self, request: qdrant.ScrollRequest) -> tuple[list[qdrant.Record], qdrant.PointId | None]:
        nothing: tuple[list[qdrant.Record], qdrant.PointId | None] = ([], None)
        return self._read(lambda shard: shard.scroll(request), nothing)


def _existing(shard: qdrant.EdgeShard, ids: Sequence[str]) -> set[str]:
    # An update of an id that is gone fails in the engine, half applied.
    return {str(record.id) for record in shard.retrieve(list(ids), with_payload=False, with_vector=False)}


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
