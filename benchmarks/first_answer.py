"""The first contact with a repository: when the first answer comes, what it covers, and what indexing takes.

``python -m benchmarks.first_answer REPOSITORY [--semble PYTHON] [--save]``. Every run starts with empty data and cache
folders, so that grammars are unpacked and nothing is known; the model fills in vectors only where that is measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import FOLDER, Run, Table
from coderank.corpus.read import read
from coderank.corpus.walk import walk
from coderank.evaluation import rivals as semble
from coderank.evaluation.metrics import median
from coderank.evaluation.process import coderank, environment, run
from coderank.evaluation.tables import markdown
from coderank.types import Skip

if TYPE_CHECKING:
    from coderank.evaluation.process import Finished

QUESTION = "how are null values handled when an object is written"
RUNS = 7
INDEX_RUNS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its table and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run_ = Run("first-answer", "python -m benchmarks.first_answer REPOSITORY --semble PYTHON --save")
    answers = [_first_answer(given.repository) for _ in range(RUNS)]
    coverage = json.loads(answers[-1].output)["index"]["dense_coverage"]
    indexed = [_index(given.repository) for _ in range(INDEX_RUNS)]
    theirs = semble.first_answers(given.semble, given.repository, QUESTION, RUNS) if given.semble else []
    size = _size(given.repository)
    table = _table(size, answers, indexed, theirs, coverage)
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        measured = {
            "first_answer": round(median([done.seconds for done in answers]), 3),
            "peak_memory": round(max(done.peak_mib for done in indexed), 1),
        }
        details: dict[str, Any] = {**size, "dense_coverage": coverage, "coderank_index": _record(indexed)}
        details |= {"coderank_search": _record(answers), "semble_search": _record(theirs), "semble": semble.REMARK}
        print(run_.write(measured, details, [table], given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_answer", description=__doc__)
    parser.add_argument("repository", type=Path, metavar="REPOSITORY", help="one of about 50,000 lines")
    parser.add_argument("--semble", type=Path, metavar="PYTHON", help="an interpreter with semble, for comparison")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def _first_answer(repository: Path) -> Finished:
    with tempfile.TemporaryDirectory() as scratch:
        env = environment(Path(scratch) / "data", Path(scratch) / "cache")
        return run(coderank("search", QUESTION, str(repository), "--format", "json"), env)


def _index(repository: Path) -> Finished:
    with tempfile.TemporaryDirectory() as scratch:
        env = environment(Path(scratch) / "data", Path(scratch) / "cache")
        return run(coderank("index", str(repository)), env)


def _size(repository: Path) -> dict[str, int]:
    sources = [read(repository, entry) for entry in walk(repository).files]
    texts = [source.text for source in sources if not isinstance(source, Skip)]
    return {"files": len(texts), "lines": sum(text.count("\n") for text in texts)}


def _record(runs: Sequence[Finished]) -> list[dict[str, float]]:
    return [{"seconds": round(done.seconds, 3), "peak_mib": round(done.peak_mib, 1)} for done in runs]


def _table(
    size: dict[str, int],
    answers: Sequence[Finished],
    indexed: Sequence[Finished],
    theirs: Sequence[Finished],
    coverage: float,
) -> Table:
    measured = {
        f"`coderank search`: first answer, vectors of {coverage:.0%} of the chunks": answers,
        "`coderank index`: all vectors": indexed,
        f"`semble search`: first answer ({semble.REMARK})": theirs,
    }
    rows = [
        [name, f"{median([d.seconds for d in runs]):.2f}", f"{max(d.peak_mib for d in runs):.0f}"]
        for name, runs in measured.items()
        if runs
    ]
    title = f"A repository of {size['lines']:,} lines in {size['files']:,} files, never indexed before"
    return Table(title, ("what", "seconds, median", "peak memory, MiB"), rows)


if __name__ == "__main__":
    main()
