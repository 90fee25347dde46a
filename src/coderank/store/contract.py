"""What a store is: dense and sparse vectors of the same points, fused by the engine itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from coderank.types import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from coderank.types import Candidate, Chunk, Matrix, Point, SparseVector, Vector


@dataclass(frozen=True, slots=True)
class StoreQuery:
    """One retrieval request; at least one of ``dense``, ``static`` and ``sparse`` is given.

    With several, the engine takes the best ``prefetch`` points of each leg, scores the union on all legs, and ranks by
    ``similarity + lexical_weight * sparse_score`` (raw cosine similarity and raw BM25). With one, by that leg alone.

    Without ``dense``, the similarity is that to ``static``. With both, points that have no dense vector are compared by
    their static one, and theirs is ``assumed_similarity + cosine - typical_static``.
    """

    dense: Vector | None
    sparse: SparseVector | None
    limit: int
    prefetch: int = 100
    lexical_weight: float = 0.0
    assumed_similarity: float = 0.0
    """The cosine that stands in for a point that has no vector to compare yet."""
    filters: Filters = field(default_factory=Filters)
    defines: tuple[str, ...] = ()
    """Names (lower case) whose definitions join the list, however low they score."""
    definitions: int = 0
    """How many of them each leg gives: its best ones."""
    static: Vector | None = None
    """Of the table that the store's static vectors are made by."""
    typical_static: float = 0.0
    """The static cosine of points that are as similar as is assumed."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Points in the store, and how many of them carry a dense vector, and a static one."""

    points: int
    dense: int
    static: int = 0
    """Not counted, and 0, where every point has a dense vector."""


class Store(Protocol):
    """Holds points. Every method is safe to repeat; ids that do not exist are ignored by updates and deletes.

    One that was never written answers with nothing.
    """

    @property
    def exists(self) -> bool:
        """Whether it was written, as far as can be told at once. Raises IndexCorruptError where it is damaged."""
        ...

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace whole points, with their dense and static vectors where given."""
        ...

    def set_dense(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Attach dense vectors, shape (len(ids), dimension), to those of the points that still exist."""
        ...

    def set_static(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Attach static vectors to those of the points that still exist."""
        ...

    def move(self, chunks: Mapping[str, Chunk]) -> None:
        """Replace the payload of existing points by id; vectors stay."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points by id."""
        ...

    def delete_paths(self, paths: Sequence[str]) -> None:
        """Remove every point of these files."""
        ...

    def query(self, request: StoreQuery) -> list[Candidate]:
        """Give the best ``limit`` points and the definitions asked for, best first, ties by (path, start_line)."""
        ...

    def retrieve(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Chunks by id; ids that do not exist are absent."""
        ...

    def chunks_of(self, paths: Sequence[str]) -> dict[str, Chunk]:
        """Every chunk of these files, by id."""
        ...

    def without_dense(self) -> Iterator[tuple[str, str]]:
        """(id, path) of every point that has no dense vector yet."""
        ...

    def without_vectors(self) -> Iterator[str]:
        """Id of every point that has neither a dense nor a static vector; none where static ones are not kept."""
        ...

    def paths(self) -> Iterator[str]:
        """Path of every point; one of several points comes as often."""
        ...

    def counts(self) -> Counts:
        """How many points there are, and how many have a dense vector."""
        ...

    def close(self) -> None:
        """Flush and release; the store can be used again and reopens by itself."""
        ...


class KeptStore(Store, Protocol):
    """A store as an index has it."""

    only_read: bool
    """Whether nothing was written, so that it may be left to the end of the process instead of being closed."""

    def optimize(self) -> bool:
        """Make what was written faster to open, where that pays; return whether something was done."""
        ...

    def take_over(self) -> None:
        """Be the one that writes the points, whoever it was."""
        ...

    def erase(self, then: Callable[[], object] | None = None) -> None:
        """Delete every point, also of a damaged index; ``then`` runs before anybody can use it again."""
        ...
