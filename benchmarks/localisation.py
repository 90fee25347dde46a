"""Find the file that answers a question, in 20 pinned repositories, with the real engine; and what each part is worth.

``python -m benchmarks.localisation DATA_DIR REPOS_DIR --cache-dir DIR``: a second run with the same cache embeds
nothing, so that a changed constant of the retrieval is measured within a minute or two.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import parts, questions
from benchmarks.asking import Asker
from benchmarks.localisation_report import Report
from benchmarks.results import FOLDER, Run
from benchmarks.variants import FULL, LEGS, all_variants
from coderank.evaluation.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    parts.use(given.model)
    if given.save and (given.only or given.quick):
        raise SystemExit("A result to keep is of all repositories and variants: leave out --only and --quick")
    run = Run("localisation", "python -m benchmarks.localisation DATA_DIR REPOS_DIR --headers --save")
    repositories = questions.load(given.data, given.only)
    variants = [FULL, *LEGS] if given.quick else all_variants()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cache = given.cache_dir or folder / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        asked = Asker(given.repositories, folder, cache, variants, given.headers).ask(repositories)
    report = Report(repositories, asked)
    report.check(given.data)
    for table in report.tables():
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run.write(report.measured(), report.details(), report.tables(), given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.localisation", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of repos.json, annotations and score.py")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--cache-dir", type=Path, help="keep vectors here between runs")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these repositories alone")
    parser.add_argument("--quick", action="store_true", help="no ablations")
    parser.add_argument("--headers", action="store_true", help="also without the header: embeds everything once more")
    parser.add_argument(
        "--model", default=parts.MODEL.name, help="an embedder that needs no download; default: %(default)s"
    )
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


if __name__ == "__main__":
    main()
