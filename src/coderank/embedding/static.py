"""Embedding by a table of token vectors, without a network: so fast that it is done while files are read."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coderank.embedding.word_pieces import WordPieces
from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from coderank.types import Matrix, Vector


@dataclass(frozen=True, slots=True)
class StaticTable:
    """One vector for each token of the BERT vocabulary, and what it is worth in a text."""

    vectors: NDArray[np.int8]
    """Shape (vocabulary, dimension)."""
    scales: NDArray[np.float32]
    """Shape (vocabulary,). A token adds its vector times its scale."""


class StaticEmbedder:
    """An embedder over a table. A text's vector is the sum over its tokens, scaled to length one.

    Queries and documents are embedded alike, and a text alone as among others, to the last bit. One that has no token
    of weight has the zero vector, which resembles nothing. Loads on first use, which raises ModelUnavailableError where
    the table is not one of this vocabulary and dimension; safe to call from several threads.
    """

    def __init__(self, name: str, dimension: int, max_tokens: int, load: Callable[[], StaticTable]) -> None:
        """Describe the embedder; ``load`` reads its table, which may be mapped."""
        self._name = name
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._load = load
        self._loaded: tuple[StaticTable, WordPieces] | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed_query(self, text: str) -> Vector:
        """Embed a query. Shape (dimension,)."""
        vector: Vector = self.embed_documents([text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents. Shape (n, dimension), in input order."""
        table, pieces = self._ready()
        sums = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for at, (ids, counts) in enumerate(pieces.count(texts)):
            rows = np.array(ids, dtype=np.intp)
            weights = table.scales.take(rows) * np.array(counts, dtype=np.float32)
            # Row by row, not as one product of many texts: that would depend on which texts come together.
            sums[at] = weights @ table.vectors.take(rows, axis=0).astype(np.float32)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        np.divide(sums, norms, out=sums, where=norms > 0)
        return sums

    def _ready(self) -> tuple[StaticTable, WordPieces]:
        with self._lock:
            if self._loaded is None:
                pieces = WordPieces(self._max_tokens)
                self._loaded = self._checked(self._load(), pieces.vocabulary), pieces
        return self._loaded

    def _checked(self, table: StaticTable, vocabulary: int) -> StaticTable:
        shapes = table.vectors.shape, table.scales.shape
        wanted = (vocabulary, self._dimension), (vocabulary,)
        if shapes != wanted:
            raise ModelUnavailableError(
                f"the table of {self._name} has the shapes {shapes[0]} and {shapes[1]} instead of {wanted[0]} and "
                f"{wanted[1]}",
                "Its weights belong to another model: run `coderank doctor`",
            )
        if not np.isfinite(table.scales).all():
            raise ModelUnavailableError(f"the table of {self._name} has scales that are not finite", "Get it again")
        return table
