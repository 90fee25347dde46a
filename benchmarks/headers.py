"""What the header over a chunk is worth: the same index built again without it, for either leg or for both."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.parts import MODEL, TextVectors, bare, engine_vectors, put
from benchmarks.variants import Variant
from coderank.corpus.header import dense_text, lexical_text
from coderank.store.edge import EdgeStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coderank.types import Chunk, Vector


@dataclass(frozen=True, slots=True)
class Header:
    """Which legs read the header."""

    variant: Variant
    dense: bool
    lexical: bool


HEADERS = (
    Header(Variant("without header, dense leg"), dense=False, lexical=True),
    Header(Variant("without header, lexical leg"), dense=True, lexical=False),
    Header(Variant("without header"), dense=False, lexical=False),
)


class HeaderVectors:
    """The vectors of chunks with their header, as the engine made them, and without."""

    def __init__(self, cache: Path, chunks: Sequence[Chunk], texts: TextVectors) -> None:
        """Take the folder of the engine's cache; every chunk has to be in it."""
        known = engine_vectors(cache, chunks)
        self._of = {True: known, False: texts.of([dense_text(bare(chunk)) for chunk in chunks])}

    def of(self, header: Header) -> list[Vector]:
        """Return what the dense leg is given."""
        return self._of[header.dense]


@contextmanager
def store_without_header(
    header: Header, chunks: Sequence[Chunk], folder: Path, vectors: HeaderVectors
) -> Iterator[EdgeStore]:
    """Build a store of these chunks for as long as it is used."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    lexical = [lexical_text(chunk if header.lexical else bare(chunk)) for chunk in chunks]
    with closing(EdgeStore(folder, MODEL.dimension)) as store:
        put(store, chunks, lexical, vectors.of(header))
        yield store
