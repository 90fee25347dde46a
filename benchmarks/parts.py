"""The engine's own parts, put together for measuring: stores filled by hand, and an embedder that remembers."""

from __future__ import annotations

import inspect
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coderank.corpus import header
from coderank.corpus.identity import point_ids, vector_key
from coderank.embedding.lexical import encode_document
from coderank.indexing.vector_cache import VectorCache, rounded
from coderank.loading.choice import BUNDLED_MODEL
from coderank.loading.embedder import Loading, open_embedder
from coderank.models import catalogue
from coderank.types import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.embedding.contract import Embedder
    from coderank.store.contract import Store
    from coderank.types import Chunk, Matrix, Vector

MODEL = catalogue.get(BUNDLED_MODEL)
"""What is measured; `use` takes another."""
SLICE = 512
"""Texts embedded at once, as the engine does."""


def use(name: str) -> None:
    """Measure another model of the catalogue from now on."""
    global MODEL  # noqa: PLW0603 - chosen once, by the command line of a benchmark
    MODEL = catalogue.get(name)


def embedder() -> Embedder:
    """Load the model that is measured; one that comes with the installation needs no other folder."""
    nowhere = Path("exports")
    return open_embedder(MODEL, Loading(exports=nowhere, cache=nowhere))


class Remembering:
    """An embedder that embeds each query once, so that many variants cost one run of the model."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._queries: dict[str, Vector] = {}
        self.name = inner.name
        self.dimension = inner.dimension

    def embed_query(self, text: str) -> Vector:
        if text not in self._queries:
            self._queries[text] = self._inner.embed_query(text)
        return self._queries[text]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        return self._inner.embed_documents(texts)


class TextVectors:
    """Vectors of texts, kept in a file by content, so that a second run embeds nothing."""

    def __init__(self, folder: Path, inner: Embedder) -> None:
        self._cache = VectorCache(folder / f"texts-{MODEL.name}-{MODEL.revision[:12]}.db", MODEL.dimension)
        self._inner = inner

    def of(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text, rounded as the engine stores them."""
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        known = self._cache.get(list(dict.fromkeys(keys)))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        todo = list(missing)
        for start in range(0, len(todo), SLICE):
            step = todo[start : start + SLICE]
            vectors = rounded(self._inner.embed_documents([missing[key] for key in step]))
            self._cache.put(step, vectors)
            known.update(zip(step, vectors, strict=True))
        return [known[key] for key in keys]

    def close(self) -> None:
        self._cache.close()


def cache_folder(base: Path) -> Path:
    """Return the folder for vectors of chunks under the present header: another header needs other vectors."""
    digest = blake2b(inspect.getsource(header).encode(), digest_size=4).hexdigest()
    folder = base / f"header-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def engine_vectors(folder: Path, chunks: Sequence[Chunk]) -> list[Vector]:
    """Return the vectors that engines with this cache folder have computed; KeyError if one is missing."""
    (file,) = folder.glob(f"vectors-{MODEL.file_stem}-*.db")
    cache = VectorCache(file, MODEL.dimension)
    keys = [vector_key(chunk) for chunk in chunks]
    known = cache.get(list(dict.fromkeys(keys)))
    cache.close()
    return [known[key] for key in keys]


def bare(chunk: Chunk) -> Chunk:
    """Return the chunk without all that a header is made of."""
    return replace(chunk, path="", symbol="", signature="")


def put(store: Store, chunks: Sequence[Chunk], lexical_texts: Sequence[str], vectors: Sequence[Vector]) -> None:
    """Store chunks with what each leg is to read of them."""
    rows = zip(point_ids(chunks), chunks, lexical_texts, vectors, strict=True)
    store.upsert([Point(id_, chunk, encode_document(text), vector) for id_, chunk, text, vector in rows])


def normalised(vectors: Matrix) -> Matrix:
    """Scale rows to length one."""
    scaled: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled
