"""How much of the embedder's speed is left in a whole indexing run: walk, read, chunk, embed, store.

``python -m benchmarks.throughput REPOSITORY [--save]``. Whole runs, each with empty folders and a model to load, and
runs of the bare embedder over the same chunks, loaded and warm, take turns in one process; the medians are compared.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import parts
from benchmarks.results import FOLDER, Run, Table
from coderank import Engine
from coderank.corpus.chunk import chunk
from coderank.corpus.header import dense_text
from coderank.corpus.identity import vector_key
from coderank.corpus.read import read
from coderank.corpus.walk import walk
from coderank.evaluation.metrics import median
from coderank.evaluation.tables import markdown
from coderank.settings import Settings
from coderank.types import Skip

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run_ = Run("throughput", "python -m benchmarks.throughput REPOSITORY --save")
    with tempfile.TemporaryDirectory() as scratch:
        root = _part(given.repository, Path(scratch) / "part", given.chunks)
        texts = _distinct_texts(root)
        embedder = parts.embedder()
        embedder.embed_documents(texts[: parts.SLICE // 8])
        whole, bare = [], []
        for _ in range(given.pairs):
            whole.append(_whole(root, Path(scratch) / "index", len(texts)))
            bare.append(_bare(embedder, texts))
    share = 100 * median(bare) / median(whole)
    rows = [
        [name, f"{median(s):.2f}", f"{len(texts) / median(s):.0f}"]
        for name, s in (("whole indexing run", whole), ("bare embedder", bare))
    ]
    table = Table(f"Embedding {len(texts):,} chunks: {share:.0f} %", ("what", "seconds, median", "chunks/s"), rows)
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        details = {"chunks": len(texts), "whole_s": _rounded(whole), "bare_s": _rounded(bare)}
        print(run_.write({"throughput_share": round(share, 1)}, details, [table], given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("repository", type=Path, metavar="REPOSITORY")
    parser.add_argument("--chunks", type=int, default=0, help="only files up to this many chunks (default: all)")
    parser.add_argument("--pairs", type=int, default=3, help="how often both take their turn")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def _part(repository: Path, folder: Path, wanted: int) -> Path:
    """Copy files, every so many, until they have about as many chunks as wanted; 0 takes the repository itself."""
    if not wanted:
        return repository
    entries = list(walk(repository).files)
    per_file = max(1, len(_distinct_texts(repository)) // max(1, len(entries)))
    for entry in entries[:: max(1, len(entries) * per_file // wanted)]:
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / entry.path, target)
    return folder


def _distinct_texts(root: Path) -> list[str]:
    """Return what is embedded of a tree: one text for every vector key."""
    texts: dict[bytes, str] = {}
    for entry in walk(root).files:
        source = read(root, entry)
        if not isinstance(source, Skip):
            for found in chunk(entry.path, source.text):
                texts.setdefault(vector_key(found), dense_text(found))
    return list(texts.values())


def _whole(root: Path, folder: Path, expected: int) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    start = time.perf_counter()
    with Engine.open(root, settings=Settings(data_dir=folder / "data", cache_dir=folder / "cache")) as engine:
        report = engine.index()
    spent = time.perf_counter() - start
    if report.embedded_chunks != expected:
        raise RuntimeError(f"The run embedded {report.embedded_chunks} chunks, the bare embedder {expected}")
    return spent


def _bare(embedder: Embedder, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    embedder.embed_documents(texts)
    return time.perf_counter() - start


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]


if __name__ == "__main__":
    main()
