"""Embedding without a store: from files or sources to a file, which another machine loads. Goes on after a kill."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from coderank.errors import IndexNotWritableError, UsageError
from coderank.migration.contract import Moving, Step
from coderank.migration.parquet import Reader, told_apart, writing
from coderank.migration.shadow import STEP
from coderank.store.raw import UNNAMED, RawPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from coderank.migration.contract import Listener, Made
    from coderank.migration.parquet import Header
    from coderank.migration.vectors import Embedding
    from coderank.store.raw import PointId

    Key = tuple[str, PointId, bytes]
    """Of a point: its collection, its id, and the sum of its payload. What was exported anew is embedded anew."""

PART = 1024
"""Points embedded between two checkpoints: a second of a GPU's work, two minutes of a slow CPU's."""


@dataclass(frozen=True, slots=True)
class Input:
    """The points of one collection, without vectors; ``pages`` can be gone through again and again."""

    collection: str
    pages: Callable[[], Iterator[Sequence[RawPoint]]]
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a run did."""

    points: int
    embedded: int
    """Vectors made in this run."""
    without: tuple[str, ...]
    """Points that have no vector in the file, as ``collection/id: reason``, as far as this run met them."""


def embed(inputs: Sequence[Input], file: Path, header: Header, on_progress: Listener | None = None) -> Embedded:
    """Embed every point and write the file; what an interrupted run has done already is in ``FILE.parts``.

    Raises:
        UsageError: the parts that are there hold vectors of another model.
        IndexNotWritableError: file or parts cannot be written.
    """
    parts = Parts(file.with_name(f"{file.name}.parts"), header)
    wanted = {_key(one.collection, point) for one in inputs for page in one.pages() for point in page}
    done = parts.keys() & wanted
    embedded, without = 0, list[str]()
    for one in inputs:
        for part in _cut(one.pages(), one.collection, done):
            made = _embedded(one, part, without, lambda now: _tell(on_progress, len(done) + now, len(wanted)))
            parts.write(one.collection, made)
            done.update(_key(one.collection, point) for point in part)
            embedded += sum(bool(point.vectors) for point in made)
            _tell(on_progress, len(done), len(wanted))
    parts.join(file, wanted)
    return Embedded(len(wanted), embedded, tuple(without))


class Parts:
    """The checkpoints of a run: a folder of small files, each whole."""

    def __init__(self, folder: Path, header: Header) -> None:
        self._folder = folder
        self._header = header

    def keys(self) -> set[Key]:
        """Say which points are there."""
        return {_key(name, point) for name, page in self._pages() for point in page}

    def write(self, collection: str, points: Sequence[RawPoint]) -> None:
        """Keep points."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexNotWritableError(
                f"Cannot write {self._folder}: {error.strerror}", "Allow writing there"
            ) from error
        number = len(self._files())
        with writing(self._folder / f"{number:06d}.parquet", self._header) as writer:
            writer.write(collection, points)

    def join(self, file: Path, wanted: set[Key]) -> None:
        """Write one file of all points that are still wanted, and delete the parts."""
        with writing(file, self._header) as writer:
            for name, page in self._pages():
                writer.write(name, [point for point in page if _key(name, point) in wanted])
        shutil.rmtree(self._folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.parquet"))

    def _pages(self) -> Iterator[tuple[str, list[RawPoint]]]:
        for part in self._files():
            with closing(Reader(part)) as reader:
                if reader.header != self._header:
                    raise UsageError(
                        f"{self._folder} holds what an earlier run made by another model",
                        "Delete it, or choose another --out",
                    )
                yield from reader.pages()


def _key(collection: str, point: RawPoint) -> Key:
    return collection, point.id, told_apart(point.payload)


def _cut(pages: Iterable[Sequence[RawPoint]], name: str, done: set[Key]) -> Iterator[list[RawPoint]]:
    left = (point for point in chain.from_iterable(pages) if _key(name, point) not in done)
    while part := list(islice(left, PART)):
        yield part


def _embedded(one: Input, part: Sequence[RawPoint], without: list[str], tell: Callable[[int], None]) -> list[RawPoint]:
    points: list[RawPoint] = []
    for start in range(0, len(part), STEP):
        step = part[start : start + STEP]
        made = one.embedding.of(step)
        without += _reasons(one.collection, step, made)
        points += [_with_vector(point, made, at) for at, point in enumerate(step)]
        tell(len(points))
    return points


def _with_vector(point: RawPoint, made: Made, at: int) -> RawPoint:
    return RawPoint(point.id, point.payload, {UNNAMED: made.vectors[at]} if at in made.vectors else {})


def _reasons(collection: str, step: Sequence[RawPoint], made: Made) -> list[str]:
    return [f"{collection}/{step[at].id}: {why}" for at, why in {**made.refused, **made.missing}.items()]


def _tell(on_progress: Listener | None, done: int, total: int) -> None:
    if on_progress:
        on_progress(Moving(Step.EMBED, done, total))
