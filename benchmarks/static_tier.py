"""Static vectors: how well they stand in for the model's, from which share on these answer, how fast they are made.

``python -m benchmarks.static_tier DATA_DIR REPOS_DIR --cache-dir DIR``. In each of 20 pinned repositories one index
is asked by words alone, by static vectors, and by the model's with the vectors of some files taken away: as they are
when a repository was just read, and when files were just edited. ``--table FOLDER`` measures another table.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import parts, questions
from benchmarks.asking import LIMIT
from benchmarks.results import FOLDER, Run, Table
from coderank import Engine
from coderank.corpus.header import dense_text, lexical_text
from coderank.corpus.identity import point_ids
from coderank.embedding.lexical import encode_document
from coderank.evaluation.judging import chunk_score
from coderank.evaluation.metrics import mean
from coderank.evaluation.tables import markdown
from coderank.loading.choice import STATIC_MODEL
from coderank.loading.embedder import Loading, open_embedder
from coderank.models import catalogue
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.search import Wanted, search
from coderank.settings import Settings
from coderank.store.contract import StoreQuery
from coderank.store.edge import EdgeStore
from coderank.store.layout import StaticVector
from coderank.types import Point, SearchMode, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.embedding.contract import Embedder
    from coderank.evaluation.datasets import Root
    from coderank.evaluation.judging import Question
    from coderank.models.catalogue import Model
    from coderank.store.contract import Store
    from coderank.types import Chunk

COVERAGES = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Shares of the chunks that keep their vector of the model."""
FACTORS = (0.5, 1.5, 2.0, 4.0)
"""Multiples of the table's lexical weight."""
TIMED = 64
"""Texts that the model embeds to tell its rate; the table embeds all of a repository."""
SEED = 7


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask."""

    name: str
    tier: Tier
    coverage: float = 1.0
    factor: float = 1.0


def ways() -> list[Way]:
    """List every way, the model's whole leg first."""
    found = [Way("the model's vectors", Tier.DENSE), Way("static vectors", Tier.STATIC), Way("words alone", Tier.NONE)]
    found += [Way(f"static vectors, lexical weight × {factor:g}", Tier.STATIC, factor=factor) for factor in FACTORS]
    for share in COVERAGES:
        found.append(Way(f"the model's of {share:.0%}, gaps left", Tier.DENSE, share))
        found.append(Way(f"the model's of {share:.0%}, gaps filled", Tier.BOTH, share))
    return found


@dataclass(slots=True)
class Measured:
    """What was found."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    cosines: dict[str, list[float]] = field(default_factory=lambda: {"dense": [], "static": []})
    """Of the best candidates by words, whose meaning is about as near as that of a chunk that was not looked at."""
    rates: dict[str, list[float]] = field(default_factory=lambda: {"dense": [], "static": []})
    """Chunks a second."""


@dataclass(frozen=True, slots=True)
class Models:
    """The model and the table."""

    model: Embedder
    table: Embedder
    static: Model

    def legs(self, way: Way) -> ModelLegs:
        unit = self.static.lexical_weight * way.factor if way.tier is Tier.STATIC else parts.MODEL.lexical_weight
        mode = SearchMode.LEXICAL if way.tier is Tier.NONE else SearchMode.HYBRID
        return ModelLegs(lambda: self.model, unit, mode, tier=way.tier, static_embedder=lambda: self.table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.static_tier", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of repos.json and annotations")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument(
        "--cache-dir", type=Path, required=True, help="vectors of the model, as localisation keeps them"
    )
    parser.add_argument("--table", type=Path, help="a folder with static.safetensors")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these repositories alone")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    given = parser.parse_args(arguments)
    if given.save and (given.only or given.table):
        raise SystemExit("A result to keep is of all repositories and the shipped table: leave out --only, --table")
    run = Run("static-tier", "python -m benchmarks.static_tier DATA_DIR REPOS_DIR --cache-dir DIR --save")
    static = catalogue.get(STATIC_MODEL)
    if given.table:
        static = replace(static, weights="folder", folder=str(given.table))
    table = open_embedder(static, Loading(exports=given.cache_dir, cache=given.cache_dir))
    models = Models(parts.Remembering(parts.embedder()), table, static)
    measured = Measured()
    for repository in questions.load(given.data, given.only):
        print(f"asking {repository.name}", file=sys.stderr, flush=True)
        _measure(repository, given.repositories / repository.folder, given.cache_dir, models, measured)
    tables = _tables(measured)
    for one in tables:
        print(f"\n{one.title}\n\n{markdown(one.columns, one.rows)}")
    if given.save:
        rates = {kind: round(mean(found), 1) for kind, found in measured.rates.items()}
        details = {"model": models.model.name, "table": static.name, "chunks_a_second": rates}
        print(run.write(_figures(measured), details | {"questions": len(measured.asked)}, tables, given.results))


def _measure(repository: Root, folder: Path, cache: Path, models: Models, measured: Measured) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        chunks = _chunks(folder, Path(scratch), cache)
        dense = parts.engine_vectors(parts.cache_folder(cache), chunks)
        texts = [dense_text(chunk) for chunk in chunks]
        started = time.perf_counter()
        static = models.table.embed_documents(texts)
        measured.rates["static"].append(len(texts) / (time.perf_counter() - started))
        some = texts[:: max(1, len(texts) // TIMED)][:TIMED]
        started = time.perf_counter()
        models.model.embed_documents(some)
        measured.rates["dense"].append(len(some) / (time.perf_counter() - started))
        rows = zip(point_ids(chunks), chunks, dense, static, strict=True)
        points = [Point(id_, one, encode_document(lexical_text(one)), near, by) for id_, one, near, by in rows]
        vector = StaticVector(models.static.file_stem, models.static.dimension)
        for share in (1.0, *COVERAGES):
            with closing(EdgeStore(Path(scratch) / f"{share}", parts.MODEL.dimension, static=vector)) as store:
                store.upsert(_without_some(points, share))
                for way in (one for one in ways() if one.coverage == share):
                    _ask(repository, store, way, models, measured)
                if share == 1.0:
                    _compare(repository, store, points, models, measured)
    measured.asked += repository.questions


def _chunks(folder: Path, scratch: Path, cache: Path) -> list[Chunk]:
    """Index a repository, so that the cache has every vector, and give its chunks in a fixed order."""
    settings = Settings(data_dir=scratch / "data", cache_dir=parts.cache_folder(cache), static_model="none")
    with Engine.open(folder, index_dir=scratch / "index", settings=settings, model=parts.MODEL.name) as engine:
        engine.index()
    with closing(EdgeStore(scratch / "index", parts.MODEL.dimension)) as store:
        paths = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file()]
        return sorted(store.chunks_of(paths).values(), key=lambda chunk: (chunk.path, chunk.start_line))


def _without_some(points: Sequence[Point], share: float) -> list[Point]:
    """Take the model's vectors of whole files away, as an edit does, until this share of the points has one."""
    paths = sorted({point.chunk.path for point in points})
    random.Random(SEED).shuffle(paths)
    left = round((1 - share) * len(points))
    bare: set[str] = set()
    for path in paths:
        size = sum(point.chunk.path == path for point in points)
        if size <= left:
            bare.add(path)
            left -= size
    return [replace(point, dense=None) if point.chunk.path in bare else point for point in points]


def _ask(repository: Root, store: Store, way: Way, models: Models, measured: Measured) -> None:
    scores = measured.scores.setdefault(way.name, [])
    for question in repository.questions:
        found, _ = search(question.text, store, models.legs(way), Wanted(LIMIT))
        places = [(one.chunk.path, one.chunk.start_line, one.chunk.end_line) for one in found]
        scores.append(chunk_score(question.targets, places))


def _compare(repository: Root, store: Store, points: Sequence[Point], models: Models, measured: Measured) -> None:
    """Note how near, by either kind of vector, the candidates are that words find."""
    by_id = {point.id: point for point in points}
    for question in repository.questions:
        sparse = models.legs(Way("", Tier.NONE)).sparse_query(question.text)
        found = store.query(StoreQuery(None, sparse, 50)) if sparse else []
        for kind, embedder in (("dense", models.model), ("static", models.table)):
            query = embedder.embed_query(question.text)
            measured.cosines[kind] += [float(getattr(by_id[one.id], kind) @ query) for one in found]


def _figures(measured: Measured) -> dict[str, float]:
    overall = {name: questions.mean_over_repositories(measured.asked, one) for name, one in measured.scores.items()}
    return {
        "static_ndcg": round(overall["static vectors"], 4),
        "static_speedup": round(mean(measured.rates["static"]) / mean(measured.rates["dense"]), 1),
    }


def _tables(measured: Measured) -> list[Table]:
    ranked = [
        [name, f"{questions.mean_over_repositories(measured.asked, scores):.4f}"]
        for name, scores in measured.scores.items()
    ]
    kinds = [
        [kind, f"{mean(measured.rates[kind]):,.0f}", f"{np.mean(found):.3f}", f"{np.std(found):.3f}"]
        for kind, found in measured.cosines.items()
    ]
    return [
        Table("Localisation, nDCG@10 of ten chunks, by what is compared", ("compared", "nDCG@10"), ranked),
        Table(
            "Vectors of both kinds",
            ("kind", "chunks a second", "cosine of candidates by words, mean", "standard deviation"),
            kinds,
        ),
    ]


if __name__ == "__main__":
    main()
