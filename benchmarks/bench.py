"""What ``coderank bench`` says of a repository, kept with the commit: growth to 1 M chunks, others in the same run.

``python -m benchmarks.bench REPOSITORY --rival PYTHON [--save]``, where PYTHON has semble and sentence-transformers.
About 20 minutes, most of them for the largest store; 10 GiB of room in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import FOLDER, Run, Table
from coderank.cli.benching import Plan, bench
from coderank.evaluation import bench_report
from coderank.evaluation.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.bench import Bench

SIZES = (10_000, 100_000, 1_000_000)
QUESTIONS = 200
HEADLINES = ("Growth", "Others")
"""How the titles begin of those tables that the README shows."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("repository", type=Path, metavar="REPOSITORY", help="one of about 50,000 lines")
    parser.add_argument("--rival", type=Path, metavar="PYTHON", help="an interpreter with others, for comparison")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="N", help="chunks; default: %(default)s")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of `coderank bench --out` here")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    given = parser.parse_args(arguments)
    run = Run("bench", "python -m benchmarks.bench REPOSITORY --rival PYTHON --save")
    with tempfile.TemporaryDirectory(prefix="coderank-bench-") as scratch:
        plan = Plan(given.repository, Path(scratch), "auto", given.sizes, QUESTIONS, rival=given.rival, announce=_say)
        found = bench(plan)
    tables = [
        Table(one.title, one.columns, one.rows, headline=one.title.startswith(HEADLINES))
        for one in bench_report.all_tables(found)
    ]
    for one in tables:
        print(f"\n{one.title}\n\n{markdown(one.columns, one.rows)}")
    if given.page:
        given.page.write_text(bench_report.html(found), "utf-8")
    if given.save:
        print(run.write({}, _details(given.repository, found), tables, given.results))


def _details(repository: Path, found: Bench) -> dict[str, Any]:
    sizes = {"files": found.files, "lines": found.lines, "chunks": found.chunks}
    return {"repository": repository.resolve().name, "model": found.model, **sizes, "questions": found.questions}


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
