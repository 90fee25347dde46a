"""The same tree cut anew, by today's rules, into points beside those that are in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coderank.corpus.identity import point_ids
from coderank.indexing.generation import Generation
from coderank.store.payload import from_payload, to_payload
from coderank.store.raw import RawPoint
from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from coderank.indexing.generation import Home
    from coderank.models.catalogue import Model
    from coderank.types import Chunk, FileEntry, Progress

REFUSED = "the model does not take its text"
"""What is said of a point without a vector that an earlier process tried in vain."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What one look at the tree changed."""

    files: int
    embedded: int
    """Vectors that were computed; the others were known."""
    bare: dict[str, str]
    """Points that have no vector, as ``path:first-last: reason`` by id."""


class Recut:
    """Grows an index of a tree in a folder of its own. A kill at any moment is made up for by the next call."""

    def __init__(self, home: Home, model: Model, folder: Path) -> None:
        """Take what both generations share, and the folder of the new one. Nothing is read or written yet."""
        self._home = replace(home, folder=folder)
        self._generation = Generation(self._home, model)
        self._reasons: dict[str, str] = {}

    def grow(self, on_progress: Callable[[Progress], None] | None = None) -> Grown:
        """Bring the points up to the tree, words and vectors. Raises what indexing raises."""
        self._generation.make()
        indexer = self._generation.indexer
        synced = indexer.sync(on_progress)
        filled = indexer.fill(wait=True, on_progress=on_progress)
        self._reasons |= dict(one.split(": ", 1) for one in filled.failed)
        return Grown(synced.changed_files + synced.deleted_files, filled.embedded, self._bare())

    def count(self) -> int:
        """Tell how many points there are by the record of the files."""
        return self._generation.known().chunks

    def pages(self) -> Iterator[list[RawPoint]]:
        """Read the tree, and give the points of each file as they would be, without vectors. Writes nothing."""
        for entry in sorted(self._home.tree.entries().files):
            page = [RawPoint(id_, to_payload(chunk), {}) for id_, chunk in self._cut(entry).items()]
            if page:
                yield page

    def differing(self, points: Collection[RawPoint]) -> list[str]:
        """Name those of the points that the tree, as it was when it was indexed, does not say.

        Files that changed since are left out: the next look takes them in.
        """
        digests = {row.path: row.digest for row in self._generation.manifest.files()}
        wanted = {str(point.payload["path"]) for point in points}
        said: dict[str, dict[str, Chunk]] = {}
        for entry in self._home.tree.entries().files:
            if entry.path in wanted:
                said[entry.path] = self._cut(entry, digests.get(entry.path))
        return [
            str(point.id)
            for point in points
            if (chunks := said.get(point.payload["path"])) and chunks.get(str(point.id)) != from_payload(point.payload)
        ]

    def close(self) -> None:
        """Release the points to other processes."""
        self._generation.close()

    def _cut(self, entry: FileEntry, digest: str | None = None) -> dict[str, Chunk]:
        """Cut a file; nothing comes of one that is left out, or is not the one with ``digest`` any more."""
        content = self._home.tree.read(entry)
        if isinstance(content, Skip) or digest not in {None, content.digest}:
            return {}
        chunks = content.cut()
        return dict(zip(point_ids(chunks), chunks, strict=True))

    def _bare(self) -> dict[str, str]:
        store = self._generation.store
        chunks = store.retrieve([id_ for id_, _ in store.without_dense()])
        places = {id_: f"{chunk.path}:{chunk.start_line}-{chunk.end_line}" for id_, chunk in chunks.items()}
        return {id_: f"{place}: {self._reasons.get(place, REFUSED)}" for id_, place in places.items()}
