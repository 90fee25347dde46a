"""The first numbers of the vectors of a model that was trained so that they do by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.embedding.pooling import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix, Vector


class Shortened:
    """An embedder over another one: its vectors cut, and scaled to length one again."""

    def __init__(self, name: str, whole: Embedder, dimension: int) -> None:
        """Take the embedder of the whole vectors; ``name`` is what the cut ones are called."""
        self.name = name
        self.dimension = dimension
        self._whole = whole

    def embed_query(self, text: str) -> Vector:
        """Embed a natural-language query. Shape (dimension,)."""
        vector: Vector = normalise(self._whole.embed_query(text)[None, : self.dimension], self.name)[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents. Shape (n, dimension), in input order."""
        return normalise(self._whole.embed_documents(texts)[:, : self.dimension], self.name)
