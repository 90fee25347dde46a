"""What an embedder is: two methods, because a query and a document are embedded differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.types import Matrix, Vector


class Embedder(Protocol):
    """Turns text into L2-normalised dense vectors of one model's space.

    Nothing is guessed from the number of texts: a single document is still a document.
    """

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Embed a natural-language query, with the model's query prefix. Shape (dimension,)."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents (or code used as a query), without a prefix. Shape (n, dimension), in input order."""
        ...
