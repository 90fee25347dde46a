"""A place to try compressions out: a collection made of sampled vectors, searched, and removed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from coderank.store.quantization import Quantization
    from coderank.types import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes per vector that the first pass of a search reads, and that all of a vector takes on disk."""

    scanned: float
    disk: float
    measured: bool = True
    """Whether the engine's files were looked at; else it is computed from the number of bits."""


class Bench(Protocol):
    """Holds one set of vectors, compressed in one way at a time. Vectors are named by their number."""

    engine: str
    """What answers, for people."""

    def build(self, vectors: Matrix, quantization: Quantization) -> Sizes:
        """Store these vectors, and nothing else, compressed in this way; return when they are searchable so."""
        ...

    def search(self, query: Vector, limit: int, quantization: Quantization) -> list[int]:
        """Numbers of the nearest vectors, best first; the compression is only asked for its query-time part."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
