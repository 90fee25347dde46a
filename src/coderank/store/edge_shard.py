"""A folder of the embedded engine: whether it is whole, how it is opened, what its failures mean, what room it has."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import qdrant_edge as qdrant

from coderank.errors import REBUILD, WRITABLE, CoderankError, IndexCorruptError, IndexNotWritableError, StoreError
from coderank.store.edge_requests import creation_of, field_index
from coderank.store.edge_view import CONFIG, SEGMENTS, discard, end, is_offered, offer, view_of, withdraw
from coderank.store.failures import is_panic, meaning
from coderank.store.layout import STATIC_PREFIX, StaticVector
from coderank.store.lease import Lease
from coderank.store.payload import FILTERED_FIELDS
from coderank.store.room import bytes_to_map
from coderank.store.stderr import silent_if_failing
from coderank.store.tenancy import Tenancy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUSY_TIMEOUT_S = 240.0
"""Longer than any one operation of another process: the longest, compacting 1 M points, takes 88 s of a core, and took
three minutes on two cores with four times as much other work (`coderank bench` tells it)."""
RESERVE_BYTES = 64 * 2**20
"""Free disk below which nothing is written. The engine writes through memory maps, and a full disk under a memory map
kills the process instead of failing the call; a batch needs about 3 MB."""
EMPTY_BYTES = 96 * 2**20
"""What an index without a point may take: 1 MB on a real disk, 88 MB on one in memory."""
READ_AHEAD_BYTES = 1 << 20
_READ_IN_PART = frozenset({"wal", "payload_storage", "store"})
"""Folders of files that are mapped but read only where something was written. All others are read when opened."""

_ENGINE_FILES = frozenset({CONFIG, SEGMENTS, "temp_segments", "wal"})
"""The engine compacts a large shard in ``temp_segments``, and leaves the folder there."""
_ENGINE_DRAFT = ".atomicwrite"
"""Begins the name of a file that the engine is writing; a process that is killed in between leaves it behind."""


def is_finished(shard: Path) -> bool:
    """Tell whether a folder holds a segment. The engine takes one without for an empty index."""
    return any(shard.glob(f"{SEGMENTS}/*/version.info"))


def check_finished(shard: Path) -> None:
    """Raise IndexCorruptError where a shard is not whole."""
    if not is_finished(shard):
        raise IndexCorruptError(f"{shard} is not a whole index", REBUILD)


def check_space(folder: Path, needed: int = RESERVE_BYTES, *, freed: int = 0) -> None:
    """Raise IndexNotWritableError where the disk of a folder has less room than is needed."""
    free = shutil.disk_usage(folder).free + freed
    if free < needed:
        raise IndexNotWritableError(
            f"Only {free // 2**20} MB are free at {folder}, {-(-needed // 2**20)} MB are needed", WRITABLE
        )


def load(shard: Path, config: qdrant.EdgeConfig | None = None) -> qdrant.EdgeShard:
    """Open a shard, as it was made or by ``config``; raise IndexCorruptError where it cannot be read."""
    check_finished(shard)
    withdraw(shard)
    return _load(shard, shard, config)


def shared_by_turns(
    shard: Path,
    enter: Callable[[], qdrant.EdgeShard],
    visit: Callable[[], qdrant.EdgeShard | None],
    leave: Callable[[qdrant.EdgeShard], None],
    timeout: float,
) -> Tenancy[qdrant.EdgeShard]:
    """Have a shard open when the lease of its folder allows: ``enter`` opens it by itself, ``visit`` by its view."""
    return Tenancy(Lease(shard.parent), enter, leave, timeout, visit=visit, may_visit=partial(is_offered, shard))


def load_beside(shard: Path, config: qdrant.EdgeConfig | None = None) -> qdrant.EdgeShard | None:
    """Open a shard by its view, beside other processes that read it; None where the view is of no use, and ends."""
    check_finished(shard)
    try:
        return _load(view_of(shard), shard, config)
    except IndexCorruptError:  # of the view or of the shard: opening the shard itself will tell
        end(shard)
        return None


def _load(opened: Path, shard: Path, config: qdrant.EdgeConfig | None) -> qdrant.EdgeShard:
    check_space(shard.parent, bytes_to_map(shard, _READ_IN_PART))
    _read_ahead(shard)
    with translated(shard.parent, IndexCorruptError), silent_if_failing():
        return qdrant.EdgeShard.load(str(opened), config)


def _read_ahead(shard: Path) -> None:
    # The engine reads what the disk has of these by single pages: 13 MB of 50 k chunks took 230 ms instead of 12.
    for file in shard.glob(f"{SEGMENTS}/*/*{STATIC_PREFIX}*/*.dat"):
        with suppress(OSError), file.open("rb", buffering=0) as stream:
            while stream.read(READ_AHEAD_BYTES):
                pass


def vectors_of(shard: Path) -> dict[str, Any]:
    """Read what a shard was last opened with: the parameters of each dense vector by name."""
    try:
        found: dict[str, Any] = msgspec.json.decode((shard / CONFIG).read_bytes())["vectors"]
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise IndexCorruptError(f"{shard} does not say which vectors it has", REBUILD) from error
    return found


def static_vectors(shard: Path) -> list[StaticVector]:
    """List the static vectors of a shard."""
    return [
        StaticVector(name.removeprefix(STATIC_PREFIX), params["size"])
        for name, params in vectors_of(shard).items()
        if name.startswith(STATIC_PREFIX)
    ]


def make_static_place(shard: Path, static: StaticVector, config: Callable[..., qdrant.EdgeConfig]) -> None:
    """Give a shard that nobody has open a place for static vectors, and drop those of other tables.

    ``config`` describes the shard with the static vectors that it is given as ``static``.
    """
    others = static_vectors(shard)
    if static in others:
        return
    engine = load(shard, config(static=others))
    with translated(shard.parent):
        for other in others:
            engine.update(qdrant.UpdateOperation.delete_vector_name(other.name))
        engine.update(creation_of(static))
        engine.close()


def unfinished(shard: Path) -> Path:
    """Name the folder in which a shard is built before it gets its name."""
    return shard.with_name(f"{shard.name}.new")


def create(shard: Path, config: qdrant.EdgeConfig) -> None:
    """Make an empty shard. It is built aside and renamed: a process that dies half-way leaves no half-made index."""
    aside = unfinished(shard)
    check_space(shard.parent, RESERVE_BYTES + EMPTY_BYTES)
    remove(aside)
    with translated(shard.parent):
        engine = qdrant.EdgeShard.create(str(aside), config)
        for field in FILTERED_FIELDS:
            engine.update(qdrant.UpdateOperation.create_field_index(field, field_index()))
        engine.close()
        aside.rename(shard)


def remove(path: Path) -> None:
    """Delete the folder of a shard, if it is there; raise IndexCorruptError where it holds anything else."""
    if not path.exists():
        return
    if not path.is_dir():
        raise IndexCorruptError(f"{path} is not a folder of an index", "Move it away, then run the command again")
    foreign = sorted(file.name for file in path.iterdir() if not _is_of_engine(file.name))
    if foreign:
        raise IndexCorruptError(
            f"{path} holds files that are not of an index: {foreign[0]}",
            "Move them away, then run the command again",
        )
    discard(path)
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise IndexNotWritableError(f"Cannot delete {path}: {error.strerror}", WRITABLE) from error


def _is_of_engine(name: str) -> bool:
    return name in _ENGINE_FILES or name.startswith(_ENGINE_DRAFT)


def close(engine: qdrant.EdgeShard, shard: Path) -> None:
    """Flush and close a shard; what was only read since it was opened may be read by many from now on."""
    with translated(shard.parent):
        engine.close()
    offer(shard)


@contextmanager
def translated(folder: Path, otherwise: type[CoderankError] = StoreError) -> Iterator[None]:
    """Raise what the engine's exceptions on ``folder`` mean; ``otherwise`` is what an unknown message means."""
    try:
        yield
    except CoderankError:
        raise
    except BaseException as error:  # the engine raises bare exceptions for everything
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        raise meaning(error, folder, otherwise) from error
