"""What it costs to find that nothing has changed, in a generated tree of 10,000 files.

``python -m benchmarks.reindex [--save]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import parts
from benchmarks.results import FOLDER, Run, Table
from benchmarks.trees import give_vectors, small_files
from coderank import Engine
from coderank.evaluation.metrics import median
from coderank.evaluation.process import coderank, environment, run
from coderank.evaluation.tables import markdown
from coderank.indexing.plan import RACY_NS
from coderank.settings import Settings

RUNS = 15


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run_ = Run("reindex", "python -m benchmarks.reindex --save")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "tree"
        settings = Settings(data_dir=Path(scratch) / "data", cache_dir=Path(scratch) / "cache")
        small_files(root, given.files)
        chunks = _index(root, settings)
        spent = {"`coderank index`, whole process": _processes(root, settings)}
        spent["Engine.open, sync, close in a running process"] = _in_process(root, settings)
    rows = [[name, f"{median(s):.3f}", f"{min(s):.3f}", f"{max(s):.3f}"] for name, s in spent.items()]
    title = f"Unchanged tree of {given.files:,} files ({chunks:,} chunks), seconds, {RUNS} runs"
    table = Table(title, ("what", "median", "least", "most"), rows)
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        measured = {"unchanged_reindex": round(median(next(iter(spent.values()))), 4)}
        details = {"files": given.files, "chunks": chunks, "seconds": {k: _rounded(v) for k, v in spent.items()}}
        print(run_.write(measured, details, [table], given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reindex", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="size of the tree")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def _index(root: Path, settings: Settings) -> int:
    """Index the tree and let it become old enough that a time stamp proves a file unchanged."""
    with Engine.open(root, settings=settings) as engine:
        engine.sync()
        engine.close()
        sample = [file.read_text("utf-8") for file in sorted(root.rglob("*.py"))[: parts.SLICE]]
        give_vectors(engine.index_dir, parts.embedder().embed_documents(sample))
        time.sleep(2 * RACY_NS / 1e9)
        return engine.index().chunks


def _processes(root: Path, settings: Settings) -> list[float]:
    env = environment(settings.data_dir, settings.cache_dir)
    # The first one reads programs and index from the disk.
    return [run(coderank("index", str(root)), env).seconds for _ in range(RUNS + 1)][1:]


def _in_process(root: Path, settings: Settings) -> list[float]:
    spent = []
    for _ in range(RUNS):
        start = time.perf_counter()
        with Engine.open(root, settings=settings) as engine:
            engine.sync()
        spent.append(time.perf_counter() - start)
    return spent


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in values]


if __name__ == "__main__":
    main()
