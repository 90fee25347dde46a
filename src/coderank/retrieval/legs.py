"""The two legs of retrieval over one model: dense vectors, and the terms that BM25 weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text
from coderank.embedding import lexical
from coderank.types import SearchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.types import Chunk, SparseVector, Vector


class ModelLegs:
    """Runs those legs that a mode asks for; the model is loaded when it is first needed."""

    def __init__(self, embedder: Callable[[], Embedder], lexical_unit: float, mode: SearchMode) -> None:
        """Take the way to the embedder, and what a BM25 point is worth against its cosine."""
        self._embedder = embedder
        self._mode = mode
        self.lexical_unit = lexical_unit

    def dense_query(self, text: str) -> Vector | None:
        """Embed a natural-language query or a name."""
        return None if self._mode is SearchMode.LEXICAL else self._embedder().embed_query(text)

    def dense_code(self, chunk: Chunk) -> Vector | None:
        """Embed code that serves as a query: as a document, without the query prefix."""
        if self._mode is SearchMode.LEXICAL:
            return None
        vector: Vector = self._embedder().embed_documents([dense_text(chunk)])[0]
        return vector

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
