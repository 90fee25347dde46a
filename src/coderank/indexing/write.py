"""Bring the points of some files to their new content, so that a kill at any moment can be repaired."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from coderank.corpus.header import lexical_text
from coderank.corpus.identity import vector_key
from coderank.embedding.lexical import encode_document
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.indexing.early import EarlyVectors
    from coderank.indexing.manifest import FileRow, SkipRow
    from coderank.indexing.parts import Parts
    from coderank.types import Chunk, Vector


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


class Written(NamedTuple):
    """What became of the vectors of new points."""

    reused: int = 0
    """Taken from the cache."""
    embedded: int = 0
    """Computed at once, by the index's own model."""


def write(changes: Sequence[FileChange], parts: Parts, early: EarlyVectors) -> Written:
    """Write changes of distinct files, whose chunks were begun with ``early``."""
    parts.manifest.begin([change.path for change in changes])
    written = _write_points(changes, parts, early)
    parts.manifest.finish(
        files=[change.row for change in changes if change.row],
        skips=[change.skip for change in changes if change.skip],
        gone=[change.path for change in changes if not change.row and not change.skip],
    )
    return written


def _write_points(changes: Sequence[FileChange], parts: Parts, early: EarlyVectors) -> Written:
    store = parts.store
    emptied = [change.path for change in changes if change.known and not change.chunks]
    edited = [change.path for change in changes if change.known and change.chunks]
    new = {id_: chunk for change in changes for id_, chunk in change.chunks.items()}
    old = store.chunks_of(edited) if edited else {}
    points = _points({id_: chunk for id_, chunk in new.items() if id_ not in old}, parts, early)
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
    having = sum(point.dense is not None for point in points)
    return Written(embedded=having) if _embeds_all(parts) else Written(reused=having)


def _points(chunks: Mapping[str, Chunk], parts: Parts, early: EarlyVectors) -> list[Point]:
    terms = {id_: encode_document(lexical_text(chunk)) for id_, chunk in chunks.items()}
    known = {} if _embeds_all(parts) else _known(chunks, parts)
    made = early.take(chunks)  # last: it goes on beside the above
    dense, static = (made, {}) if _embeds_all(parts) else (known, made)
    return [Point(id_, chunk, terms[id_], dense.get(id_), static.get(id_)) for id_, chunk in chunks.items()]


def _embeds_all(parts: Parts) -> bool:
    return parts.early is not None and parts.early.is_own


def _known(chunks: Mapping[str, Chunk], parts: Parts) -> dict[str, Vector]:
    keys = {id_: vector_key(chunk) for id_, chunk in chunks.items()}
    vectors = parts.cache.get(list(dict.fromkeys(keys.values())))
    return {id_: vectors[key] for id_, key in keys.items() if key in vectors}
