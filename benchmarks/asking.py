"""Ask every question of every repository, by the real engine and by each variant over the engine's own index."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import parts
from benchmarks.headers import HEADERS, HeaderVectors, store_without_header
from coderank import Engine
from coderank.evaluation.datasets import Root
from coderank.evaluation.judging import Place, Question
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.query import profile
from coderank.retrieval.search import Wanted, search
from coderank.settings import Settings
from coderank.store.edge import EdgeStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.variants import Variant
    from coderank.embedding.contract import Embedder
    from coderank.store.contract import Store
    from coderank.types import Chunk

LIMIT = 10

Predictions = dict[Question, list[Place]]


@dataclass(slots=True)
class Asked:
    """What the engine and each variant answered."""

    engine: Predictions = field(default_factory=dict)
    variants: dict[str, Predictions] = field(default_factory=dict)
    chunks: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Asker:
    """Indexes repositories below ``scratch`` and asks them; vectors are kept in ``cache``."""

    laid_out: Path
    scratch: Path
    cache: Path
    variants: Sequence[Variant]
    headers: bool

    def ask(self, repositories: Sequence[Root]) -> Asked:
        """Ask each repository its questions."""
        asked = Asked()
        embedder = parts.Remembering(parts.embedder())
        for repository in repositories:
            print(f"asking {repository.name}", file=sys.stderr, flush=True)
            index_dir = self.scratch / "indexes" / repository.name
            paths = self._ask_engine(repository, index_dir, asked)
            with closing(EdgeStore(index_dir, parts.MODEL.dimension)) as store:
                for variant in self.variants:
                    _ask_store(store, embedder, variant, repository, asked)
                if self.headers:
                    self._ask_without_headers(list(store.chunks_of(paths).values()), embedder, repository, asked)
        return asked

    def _ask_engine(self, repository: Root, index_dir: Path, asked: Asked) -> list[str]:
        """Index a repository and ask the engine; return the indexed paths."""
        settings = Settings(data_dir=self.scratch, cache_dir=parts.cache_folder(self.cache), model=parts.MODEL.name)
        root = self.laid_out / repository.folder
        with Engine.open(root, index_dir=index_dir, settings=settings) as engine:
            report = engine.index()
            for question in repository.questions:
                hits = engine.search(question.text, limit=LIMIT)
                asked.engine[question] = [(hit.path, hit.start_line, hit.end_line) for hit in hits]
        asked.chunks += report.chunks
        asked.files += report.files
        return [file.relative_to(root).as_posix() for file in sorted(root.rglob("*")) if file.is_file()]

    def _ask_without_headers(self, chunks: Sequence[Chunk], embedder: Embedder, repository: Root, asked: Asked) -> None:
        texts = parts.TextVectors(self.cache, embedder)
        vectors = HeaderVectors(parts.cache_folder(self.cache), chunks, texts)
        texts.close()
        for header in HEADERS:
            with store_without_header(header, chunks, self.scratch / "bare", vectors) as store:
                _ask_store(store, embedder, header.variant, repository, asked)


def _ask_store(store: Store, embedder: Embedder, variant: Variant, repository: Root, asked: Asked) -> None:
    unit = parts.MODEL.lexical_weight * variant.lexical_factor
    words = ModelLegs(lambda: embedder, unit, variant.mode)
    names = ModelLegs(lambda: embedder, unit * variant.symbol_factor, variant.mode)
    wanted = Wanted(LIMIT, priors=variant.priors)
    predictions = asked.variants.setdefault(variant.name, {})
    for question in repository.questions:
        legs = names if profile(question.text).is_symbol else words
        found, _ = search(question.text, store, legs, wanted)
        predictions[question] = [(c.chunk.path, c.chunk.start_line, c.chunk.end_line) for c in found]
