"""Embeds a query before it is needed: loading the model takes as long as bringing an index up to date."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix, Vector


class Ahead:
    """An embedder that has begun with one query, in a thread of its own. What fails there is raised where it is asked.

    The runtime does not hold the interpreter while it works, so the thread takes another core.
    """

    def __init__(self, query: str, embedder: Callable[[], Embedder]) -> None:
        """Begin; ``embedder`` opens the model, and is called in that thread too."""
        self._query = query
        self._embedder = embedder
        worker = ThreadPoolExecutor(1, thread_name_prefix="coderank-query")
        self._vector = worker.submit(lambda: embedder().embed_query(query))
        worker.shutdown(wait=False)

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        return self._embedder().name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._embedder().dimension

    def embed_query(self, text: str) -> Vector:
        """Give the vector of the query that was begun with, or embed another one. Shape (dimension,)."""
        return self._vector.result() if text == self._query else self._embedder().embed_query(text)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents without a prefix. Shape (n, dimension), in input order."""
        return self._embedder().embed_documents(texts)
