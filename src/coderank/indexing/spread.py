"""Embed exported chunks on a Ray cluster and write them to a Qdrant server, in parallel. Goes on after a kill.

Three stages that run side by side: what the collection lacks is found, embedded, and written. Ray keeps the queues
between them short, so that a slow server slows the embedding down instead of filling memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
import numpy as np

from coderank.corpus.header import dense_text, lexical_text
from coderank.embedding.lexical import encode_document
from coderank.errors import ModelError, UsageError
from coderank.store.contract import Store
from coderank.store.payload import from_payload
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.store.contract import Counts
    from coderank.types import Chunk, Vector

    Batch = dict[str, np.ndarray[Any, Any]]

BATCH = 256
"""Chunks that go from stage to stage together: one request to the server, some seconds of a CPU's embedding."""
WAITING = 0.1
"""CPUs of a stage that waits for the server: a whole one each, on a machine of two, would leave the model none."""
WRITERS = 4
"""Processes that write: each waits for the server most of the time, and a cluster takes in as many shards at once."""
INSTALL = "Install what it takes: pip install 'coderank[ray,server]'"
EXPORT = "Write one: coderank collections export NAME --out FILE.jsonl"
_LINE = "text"
"""Ray's name for a line of a text file."""
_VECTOR = "vector"


class Shared(Store, Protocol):
    """A store that several processes write to."""

    def prepare(self) -> None:
        """Make it, where it is missing, before they do."""


class _Line(msgspec.Struct, frozen=True):
    id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """What every process of the cluster needs; is sent to them, so both functions are importable by name."""

    files: tuple[str, ...]
    """Exports of `coderank collections export`, at a place that every node sees."""
    open_store: Callable[[], Shared]
    open_embedder: Callable[[], Embedder]
    embedders: int = 1
    """Processes that hold the model."""
    writers: int = WRITERS
    """Processes that write, at most."""
    gpus: float = 0.0
    """Of each of them."""
    address: str = ""
    """Of the cluster; empty to start one on this machine."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What a run did."""

    written: int
    refused: int
    """Chunks that the model refused: written without a dense vector, so found by their words."""
    counts: Counts
    """Of the whole collection afterwards."""


def spread(job: Job) -> Spread:
    """Bring a collection up to its exports. Run twice, it embeds nothing twice.

    Raises:
        UsageError: Ray is not installed, or a line of an export is no chunk of coderank.
    """
    _start(job.address)
    import ray.data  # noqa: PLC0415 - two seconds, for those who asked for it

    store = job.open_store()
    store.prepare()  # or each writer would
    store.close()
    ray.data.DataContext.get_current().enable_progress_bars = False
    lines = ray.data.read_text(list(job.files), num_cpus=WAITING)
    alone = ray.data.ActorPoolStrategy(size=1)
    pool, writers = (ray.data.ActorPoolStrategy(min_size=1, max_size=most) for most in (job.embedders, job.writers))
    shared: dict[str, Any] = {"fn_constructor_args": (job,), "batch_size": BATCH}
    missing = lines.map_batches(_Missing, compute=alone, num_cpus=WAITING, **shared)
    embedded = missing.map_batches(_Embedding, compute=pool, num_gpus=job.gpus or None, **shared)
    done = embedded.map_batches(_Writing, compute=writers, num_cpus=WAITING, **shared)
    written = refused = 0
    for row in done.iter_rows():
        written += int(row["written"])
        refused += int(row["refused"])
    store = job.open_store()
    counts = store.counts()
    store.close()
    return Spread(written, refused, counts)


class _Read(NamedTuple):
    line: str
    chunk: Chunk


def points_of(lines: Sequence[str]) -> dict[str, _Read]:
    """Read lines of an export by their ids; raise UsageError for one that is no chunk of coderank.

    Of lines of one id the last counts: exports may be given twice, or hold an id twice.
    """
    found = {}
    for line in lines:
        try:
            read = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError as error:
            raise UsageError(
                f"{line[:80]!r} is no point: {error}", "Give files of `coderank collections export`"
            ) from error
        found[read.id] = _Read(line, from_payload(read.payload))
    return found


class _Missing:
    """Passes on the lines whose chunks the collection does not have as they are."""

    def __init__(self, job: Job) -> None:
        self._store = job.open_store()

    def __call__(self, batch: Batch) -> Batch:
        found = points_of(list(batch[_LINE]))
        there = self._store.retrieve(list(found))
        lacking = [line for id_, (line, chunk) in found.items() if there.get(id_) != chunk]
        return {_LINE: np.array(lacking, object)}


class _Embedding:
    """Holds the model, and adds a vector to each line; NaN where the model refuses the text."""

    def __init__(self, job: Job) -> None:
        self._embedder = job.open_embedder()

    def __call__(self, batch: Batch) -> Batch:
        found = list(points_of(list(batch[_LINE])).values())
        vectors = self._vectors([dense_text(one.chunk) for one in found])
        return {_LINE: np.array([one.line for one in found], object), _VECTOR: vectors}

    def _vectors(self, texts: list[str]) -> np.ndarray[Any, Any]:
        if not texts:
            return np.empty((0, self._embedder.dimension), np.float32)
        try:
            return self._embedder.embed_documents(texts)
        except ModelError:
            if len(texts) == 1:
                return np.full((1, self._embedder.dimension), np.nan, np.float32)
            middle = len(texts) // 2
            return np.concatenate([self._vectors(texts[:middle]), self._vectors(texts[middle:])])


class _Writing:
    """Writes whole points, and says how many."""

    def __init__(self, job: Job) -> None:
        self._store = job.open_store()

    def __call__(self, batch: Batch) -> Batch:
        of_line = dict(zip(list(batch[_LINE]), batch.get(_VECTOR, ()), strict=True))
        points = [
            Point(id_, chunk, encode_document(lexical_text(chunk)), _vector(of_line[line]))
            for id_, (line, chunk) in points_of(list(of_line)).items()
        ]
        self._store.upsert(points)
        refused = sum(point.dense is None for point in points)
        return {"written": np.array([len(points)]), "refused": np.array([refused])}


def _vector(row: object) -> Vector | None:
    vector = np.asarray(row, np.float32)
    return None if np.isnan(vector).any() else vector


def _start(address: str) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would send what it is used for to its makers
    try:
        import ray  # noqa: PLC0415 - see above
    except ImportError as error:
        raise UsageError(f"Embedding on a cluster needs a package that is missing: {error.name}", INSTALL) from error
    if not ray.is_initialized():
        ray.init(address=address or None, include_dashboard=False, log_to_driver=False, logging_level="error")


def exports(files: Sequence[Path]) -> tuple[str, ...]:
    """Name exports for every node; raise UsageError for one that Ray cannot cut into lines."""
    for file in files:
        if not file.name.endswith((".jsonl", ".jsonl.gz")):
            raise UsageError(
                f"{file} is no export in lines", "Write one: coderank collections export NAME --out F.jsonl"
            )
    return tuple(str(file.absolute()) for file in files)
