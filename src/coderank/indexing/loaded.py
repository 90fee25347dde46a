"""An index made of points that came with their vectors: written as indexing would, with a record of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.header import lexical_text
from coderank.embedding.lexical import encode_document
from coderank.errors import IndexCorruptError, UsageError
from coderank.indexing.manifest import FileRow
from coderank.store.payload import from_payload
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coderank.indexing.generation import Generation
    from coderank.store.contract import Store
    from coderank.store.raw import RawPoint
    from coderank.types import Vector

UNREAD = -1
"""Size and time of a file that this machine has not read: where there is a source, the next sync does."""


def load(generation: Generation, pages: Iterable[Sequence[tuple[RawPoint, Vector | None]]]) -> int:
    """Write points, and what files they are of, into a generation that nobody uses yet; return how many.

    Raises UsageError for a point that is no chunk of coderank, and what the store raises.
    """
    generation.erase()  # what an interrupted run has left
    files: dict[str, FileRow] = {}
    points = 0
    for page in write(generation.store, pages):
        generation.manifest.begin(sorted({point.chunk.path for point in page} - files.keys()))
        for chunk in (point.chunk for point in page):
            before = files.get(chunk.path)
            count = before.chunks if before else 0
            files[chunk.path] = FileRow(chunk.path, UNREAD, UNREAD, 0, "", count + 1, chunk.language)
        points += len(page)
    generation.manifest.finish(files.values(), (), ())
    counts = generation.store.counts()
    generation.manifest.count_dense(counts.dense)
    if counts.dense == counts.points:
        generation.manifest.mark_filled(generation.manifest.revision())
    generation.store.optimize()
    return points


def write(store: Store, pages: Iterable[Sequence[tuple[RawPoint, Vector | None]]]) -> Iterator[list[Point]]:
    """Write points with their vectors and the weights of their terms, and give what was written, page by page."""
    for page in pages:
        points = [_point(raw, vector) for raw, vector in page]
        store.upsert(points)
        yield points


def _point(raw: RawPoint, vector: Vector | None) -> Point:
    try:
        chunk = from_payload(raw.payload)
    except IndexCorruptError as error:
        raise UsageError(
            f"The point {raw.id} is no chunk of coderank: {error.message}",
            "What other programs wrote is loaded into a collection with a store and without sources",
        ) from error
    return Point(str(raw.id), chunk, encode_document(lexical_text(chunk)), vector)
