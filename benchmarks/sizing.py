"""Bytes that a point takes in the engine: what `coderank collections size` and docs/sizing.md calculate with.

``python -m benchmarks.sizing REPOSITORY... [--save]``

Payload, terms, indexed fields and ids are those of the repositories' real chunks, compacted. Vectors are random: how
many bytes one takes does not depend on its numbers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks.machine import commit
from coderank import Engine
from coderank.evaluation import machine, sizing
from coderank.evaluation.advice import STORED
from coderank.evaluation.sizing import Measured, PerPoint, per_point
from coderank.settings import Settings
from coderank.store.edge import EdgeStore
from coderank.store.edge_bench import EdgeBench
from coderank.store.edge_points import open_edge_points
from coderank.store.parts import bytes_by_purpose
from coderank.store.payload import from_payload
from coderank.store.raw import RawPoint
from coderank.types import Point, SparseVector

if TYPE_CHECKING:
    from coderank.types import Matrix

DIMENSIONS = (384, 768, 3584)
"""Of the bundled model, of CodeRankEmbed, and of the model that users come from."""
VECTORS = 2_000
"""Of each: the bytes a vector are the same from a few hundred on."""
FILE = Path(sizing.__file__).with_name(sizing.FILE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked to, write the file that comes with the package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--save", action="store_true", help=f"write {FILE.name} into the package")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        chunks, point = real_points(given.repositories, Path(scratch))
        compressed = {str(each): compressions(each, Path(scratch)) for each in DIMENSIONS}
    found = Measured(
        commit=commit(),
        machine=machine.sentence(),
        engine=f"qdrant-edge-py {machine.describe()['libraries']['qdrant-edge-py']}",
        chunks=chunks,
        vectors=VECTORS,
        point=point,
        compressed=compressed,
    )
    text = msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"
    print(text)
    if given.save:
        FILE.write_text(text, "utf-8")
        print(f"wrote {FILE}; now: python docs/sizing.py")


def real_points(repositories: Sequence[Path], scratch: Path) -> tuple[int, PerPoint]:
    """Put the chunks of repositories into one index, and share its bytes out among them."""
    settings = Settings(data_dir=scratch / "data", cache_dir=scratch / "cache")
    store = EdgeStore(scratch / "all", DIMENSIONS[0])
    vectors = _vectors(VECTORS, DIMENSIONS[0])
    for number, repository in enumerate(repositories):
        with Engine.open(repository, settings=settings) as engine:
            engine.sync()
            folder = engine.index_dir
        with closing(open_edge_points(folder)) as points:
            for page in points.pages(vectors=True):
                store.upsert([_named(point, f"r{number}", vectors) for point in _points(page)])
    store.optimize()
    count = store.counts().points
    store.close()
    return count, per_point(bytes_by_purpose(scratch / "all" / "shard"), count)


def compressions(dimension: int, scratch: Path) -> dict[str, float]:
    """Bytes of a compressed vector by the name of its compression."""
    with EdgeBench(scratch) as bench:
        return {one.stored: bench.build(_vectors(VECTORS, dimension), one).scanned for one in STORED}


def _points(page: Sequence[RawPoint]) -> Iterator[Point]:
    for raw in page:
        lexical = raw.vectors.get("lexical")
        terms = lexical if isinstance(lexical, SparseVector) else SparseVector((), ())
        yield Point(str(raw.id), from_payload(raw.payload), terms)


def _named(point: Point, repository: str, vectors: Matrix) -> Point:
    chunk = replace(point.chunk, path=f"{repository}/{point.chunk.path}")
    return replace(point, chunk=chunk, dense=vectors[hash(point.id) % len(vectors)])


def _vectors(count: int, dimension: int) -> Matrix:
    made = np.random.default_rng(1).standard_normal((count, dimension)).astype(np.float32)
    normalised: Matrix = made / np.linalg.norm(made, axis=1, keepdims=True)
    return normalised


if __name__ == "__main__":
    main()
