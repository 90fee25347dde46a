"""How long an answer takes on an index of 50,000 chunks: in a running process, and as a whole ``coderank search``.

``python -m benchmarks.latency DATA_DIR REPOS_DIR [--save]``. The index is made of the repositories of the localisation
benchmark, copied with changed names until there are enough chunks; vectors are real ones with noise.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import parts, questions
from benchmarks.results import FOLDER, Run, Table
from benchmarks.trees import copies, give_vectors
from coderank import Engine
from coderank.corpus.chunk import chunk
from coderank.corpus.header import dense_text
from coderank.corpus.read import read
from coderank.corpus.walk import walk
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.process import coderank, environment, run
from coderank.evaluation.tables import markdown
from coderank.settings import Settings
from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.types import Matrix

STAGES = ("embed", "retrieve", "rank", "total")
SHARES = (0.5, 0.95, 0.99)
WARM_UP = 50
PROCESS_RUNS = 15
REAL_VECTORS = 512
"""Chunks that are embedded: 5 s, and enough that no two of a query's candidates are alike."""


@dataclass(frozen=True, slots=True)
class Big:
    """A large index with all its vectors."""

    root: Path
    settings: Settings
    chunks: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run_ = Run("latency", "python -m benchmarks.latency DATA_DIR REPOS_DIR --save")
    texts = [q.text for repository in questions.load(given.data) for q in repository.questions]
    with tempfile.TemporaryDirectory() as scratch:
        big = build(given.repositories, Path(scratch), given.chunks, real_vectors(given.repositories))
        warm = warm_queries(big, texts)
        small = given.repositories / given.small
        processes = {f"{big.chunks:,} chunks": whole_searches(big.root, big.settings, texts)}
        with Engine.open(small, settings=big.settings) as engine:
            name = f"{given.small}, {engine.index().chunks:,} chunks"
        processes[name] = whole_searches(small, big.settings, texts)
    tables = [_warm_table(warm, big.chunks, len(texts)), _process_table(processes)]
    for table in tables:
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run_.write(_measured(warm, processes), _details(warm, processes, big.chunks), tables, given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the localisation data: its questions are asked")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--chunks", type=int, default=50_000, help="size of the index")
    parser.add_argument("--small", default="gson", metavar="NAME", help="a repository of a common size")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def build(repositories: Path, scratch: Path, wanted: int, vectors: Matrix, model: str = parts.MODEL.name) -> Big:
    """Index copies of repositories until there are enough chunks; their vectors are drawn from those given."""
    root = scratch / "tree"
    settings = Settings(data_dir=scratch / "data", cache_dir=scratch / "cache")
    root.mkdir()
    with Engine.open(root, model=model, settings=settings) as engine:
        for _ in copies(repositories, root):
            chunks = engine.sync().chunks
            if chunks >= wanted:
                break
        engine.close()
        give_vectors(engine.index_dir, vectors)
        report = engine.index()
    if report.embedded_chunks or report.dense_coverage < 1:
        raise RuntimeError(f"The index was not complete: {report}")
    return Big(root, settings, report.chunks)


def real_vectors(repositories: Path) -> Matrix:
    """Embed some chunks of every repository."""
    each = -(-REAL_VECTORS // sum(path.is_dir() for path in repositories.iterdir()))
    texts = [text for root in sorted(repositories.iterdir()) for text in islice(texts_of(root), each)]
    return parts.embedder().embed_documents(texts)


def texts_of(root: Path) -> Iterator[str]:
    """Give what is embedded of each chunk of a repository."""
    if not root.is_dir():
        return
    for entry in walk(root).files:
        source = read(root, entry)
        if not isinstance(source, Skip):
            yield from map(dense_text, chunk(entry.path, source.text))


def warm_queries(big: Big, texts: Sequence[str]) -> dict[str, list[float]]:
    """Return milliseconds by stage, one value a query, after a warm-up."""
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with Engine.open(big.root, settings=big.settings) as engine:
        for text in texts[-WARM_UP:]:
            engine.search(text)
        for text in texts:
            start = time.perf_counter()
            result = engine.search(text)
            spent["total"].append((time.perf_counter() - start) * 1000)
            for stage in result.stages:
                spent[stage.name].append(stage.ms)
    return spent


def whole_searches(root: Path, settings: Settings, texts: Sequence[str]) -> list[float]:
    """Return seconds of whole ``coderank search`` processes on an up-to-date index, a question each."""
    env = environment(settings.data_dir, settings.cache_dir)
    step = max(1, len(texts) // PROCESS_RUNS)
    asked = [*texts[:1], *texts[::step][:PROCESS_RUNS]]
    # The first one reads programs and index from the disk.
    return [run(coderank("search", text, str(root)), env).seconds for text in asked][1:]


def _measured(warm: dict[str, list[float]], processes: dict[str, list[float]]) -> dict[str, float]:
    return {
        "warm_query_p50": round(median(warm["total"]), 3),
        "search_process": round(max(median(seconds) for seconds in processes.values()), 4),
    }


def _details(warm: dict[str, list[float]], processes: dict[str, list[float]], chunks: int) -> dict[str, Any]:
    return {
        "chunks": chunks,
        "vectors": f"{REAL_VECTORS} real ones drawn at random, with noise",
        "warm_ms": {
            stage: {f"p{share * 100:.0f}": round(quantile(values, share), 3) for share in SHARES}
            for stage, values in warm.items()
        },
        "process_s": {name: [round(value, 4) for value in seconds] for name, seconds in processes.items()},
    }


def _warm_table(warm: dict[str, list[float]], chunks: int, queries: int) -> Table:
    rows = [[stage, *(f"{quantile(values, share):.2f}" for share in SHARES)] for stage, values in warm.items()]
    title = f"Warm query over {chunks:,} chunks, milliseconds, {queries} questions"
    return Table(title, ("stage", *(f"p{share * 100:.0f}" for share in SHARES)), rows)


def _process_table(processes: dict[str, list[float]]) -> Table:
    rows = [[name, f"{median(s):.3f}", f"{min(s):.3f}", f"{max(s):.3f}"] for name, s in processes.items()]
    title = f"`coderank search`, whole process, seconds, {PROCESS_RUNS} runs"
    return Table(title, ("index", "median", "least", "most"), rows)


if __name__ == "__main__":
    main()
