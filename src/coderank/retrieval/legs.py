"""The legs of retrieval: dense vectors of one model, static ones that stand in, and the terms that BM25 weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text
from coderank.embedding import lexical
from coderank.types import SearchMode, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.types import Chunk, SparseVector, Vector


class ModelLegs:
    """Runs those legs that a mode and a tier ask for; a model is loaded when it is first needed."""

    def __init__(
        self,
        embedder: Callable[[], Embedder],
        lexical_unit: float,
        mode: SearchMode,
        *,
        tier: Tier = Tier.DENSE,
        static_embedder: Callable[[], Embedder] | None = None,
    ) -> None:
        """Take the ways to the embedders, and what a BM25 point is worth against their cosine."""
        by_meaning = mode is not SearchMode.LEXICAL
        self._dense = embedder if by_meaning and tier in {Tier.DENSE, Tier.BOTH} else None
        self._static = static_embedder if by_meaning and tier in {Tier.STATIC, Tier.BOTH} else None
        self._mode = mode
        self.lexical_unit = lexical_unit

    def dense_query(self, text: str) -> Vector | None:
        """Embed a natural-language query or a name."""
        return self._dense().embed_query(text) if self._dense else None

    def static_query(self, text: str) -> Vector | None:
        """Embed it by the table that stands in; None if it has no token of weight."""
        return _with_direction(self._static().embed_query(text)) if self._static else None

    def dense_code(self, chunk: Chunk) -> Vector | None:
        """Embed code that serves as a query: as a document, without the query prefix."""
        return self._dense().embed_documents([dense_text(chunk)])[0] if self._dense else None

    def static_code(self, chunk: Chunk) -> Vector | None:
        """Embed it by the table that stands in."""
        return _with_direction(self._static().embed_documents([dense_text(chunk)])[0]) if self._static else None

    def sparse_query(self, text: str) -> SparseVector | None:
        """Encode a query for the lexical leg; None if it has no term."""
        if self._mode is SearchMode.DENSE:
            return None
        vector = lexical.encode_query(text)
        return vector if vector.indices else None

    @staticmethod
    def terms(text: str) -> Sequence[str]:
        """Split a text into lower-case terms, as the lexical leg does."""
        return lexical.tokens(text)


def _with_direction(vector: Vector) -> Vector | None:
    return vector if vector.any() else None
