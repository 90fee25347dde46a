"""Bring the points of some files to their new content, so that a kill at any moment can be repaired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coderank.corpus.header import lexical_text
from coderank.corpus.identity import vector_key
from coderank.embedding.lexical import encode_document
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.indexing.manifest import FileRow, Manifest, SkipRow
    from coderank.indexing.vector_cache import VectorCache
    from coderank.store.contract import Store
    from coderank.types import Chunk


@dataclass(frozen=True, slots=True)
class FileChange:
    """The new state of one file: indexed (``row``), left out (``skip``), or gone (neither)."""

    path: str
    row: FileRow | None = None
    skip: SkipRow | None = None
    chunks: Mapping[str, Chunk] = field(default_factory=dict)
    """The chunks of the new content by point id."""
    known: bool = False
    """Whether the store may hold points of this file."""


def write(changes: Sequence[FileChange], manifest: Manifest, store: Store, cache: VectorCache) -> int:
    """Write changes of distinct files, and return how many vectors came from the cache."""
    manifest.begin([change.path for change in changes])
    reused = _write_points(changes, store, cache)
    manifest.finish(
        files=[change.row for change in changes if change.row],
        skips=[change.skip for change in changes if change.skip],
        gone=[change.path for change in changes if not change.row and not change.skip],
    )
    return reused


def _write_points(changes: Sequence[FileChange], store: Store, cache: VectorCache) -> int:
    emptied = [change.path for change in changes if change.known and not change.chunks]
    edited = [change.path for change in changes if change.known and change.chunks]
    new = {id_: chunk for change in changes for id_, chunk in change.chunks.items()}
    old = store.chunks_of(edited) if edited else {}
    points = _points({id_: chunk for id_, chunk in new.items() if id_ not in old}, cache)
    moved = {id_: chunk for id_, chunk in new.items() if id_ in old and old[id_] != chunk}
    vanished = [id_ for id_ in old if id_ not in new]
    # New points before old ones go: a search in between finds the file, at worst twice.
    if points:
        store.upsert(points)
    if moved:
        store.move(moved)
    if vanished:
        store.delete(vanished)
    if emptied:
        store.delete_paths(emptied)
    return sum(point.dense is not None for point in points)


def _points(chunks: Mapping[str, Chunk], cache: VectorCache) -> list[Point]:
    keys = {id_: vector_key(chunk) for id_, chunk in chunks.items()}
    vectors = cache.get(list(dict.fromkeys(keys.values())))
    return [
        Point(id_, chunk, encode_document(lexical_text(chunk)), vectors.get(keys[id_])) for id_, chunk in chunks.items()
    ]
