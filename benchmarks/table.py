"""Render the committed results as Markdown: ``python -m benchmarks.table [--write | --check]``.

The README shows the bars and the tables that matter most, ``docs/quality.md`` every bar and what is behind quality,
``docs/migration.md`` what a move costs, ``docs/reranking.md`` what a reranker takes, and ``docs/evaluation.md`` what
``coderank bench`` said of one repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import anchors
from benchmarks.bars import BARS, Bar, written
from benchmarks.results import read_all
from coderank.evaluation.tables import markdown

PROJECT = Path(__file__).parents[1]
QUALITY = ("localisation", "static-tier", "offline-rerank", "sets")
"""The results that measure quality."""
BUSY = 2.0
"""Load of a core from which on a run had little of it; the benchmark before it leaves up to that behind."""
MISSED = "(missed)"
BEGIN, END = "<!-- results -->", "<!-- /results -->"

Results = Mapping[str, Mapping[str, Any]]


class MarkersMissingError(Exception):
    """The document has no place for the results."""


def bars_table(results: Results, *, headlines: bool = False) -> str:
    """Render what was promised, measured and reached by others: all of it, or headlines and what is missed."""
    rows = [(bar, _bar_row(bar, results.get(bar.benchmark))) for bar in BARS]
    shown = [row for bar, row in rows if bar.headline or not headlines or MISSED in row[2]]
    return markdown(("what", "bar", "measured", "others on the same work"), shown)


def _bar_row(bar: Bar, result: Mapping[str, Any] | None) -> list[str]:
    if result is None:
        return [bar.what, bar.promise(), "not measured yet", bar.anchor]
    value = float(result["bars"][bar.name])
    measured = f"**{written(value, bar.unit)}**"
    return [bar.what, bar.promise(), measured if bar.met(value) else f"{measured} {MISSED}", bar.anchor]


def origins(results: Results) -> str:
    """Say on what machine, at which commits and when the results were taken."""
    lines = []
    for machine in dict.fromkeys(_machine(result) for result in results.values()):
        taken = [
            f"{name} {result['date'][:10]} at {result['commit']}{_beside(result)}"
            for name, result in results.items()
            if _machine(result) == machine
        ]
        lines.append(f"Measured on {machine}: {'; '.join(taken)}.")
    return "\n\n".join(lines)


def _beside(result: Mapping[str, Any]) -> str:
    """Say of a result that it was taken beside other work."""
    busy = result["load_at_start"][:1] > [BUSY * result["machine"]["cores"]]
    return " (beside other work: times are upper bounds)" if busy else ""


def _machine(result: Mapping[str, Any]) -> str:
    seen = result["machine"]
    return f"{seen['cores']} cores of {seen['cpu']}, {seen['memory_gib']} GiB, Python {seen['python']}"


def block(results: Results) -> str:
    """Render what the README shows."""
    return "\n\n".join([bars_table(results, headlines=True), *_tables(results, headlines=True), origins(results)])


def everything(results: Results) -> str:
    """Render every table of every result."""
    return "\n\n".join([bars_table(results), *_tables(results, headlines=False), origins(results)])


def _tables(results: Results, *, headlines: bool) -> list[str]:
    return [
        f"**{table['title']}**\n\n{markdown(table['columns'], table['rows'])}"
        for result in results.values()
        for table in result["tables"]
        if table["headline"] or not headlines
    ]


def embedded(document: str, content: str) -> str:
    """Put content between the markers of a document.

    Raises:
        MarkersMissingError: the document has not exactly one pair of markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise MarkersMissingError(f"The document needs one line {BEGIN} and, below it, one line {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def quality(results: Results) -> str:
    """Render what the page on quality shows."""
    beside = [anchors.table(results["localisation"])] if "localisation" in results else []
    promises = f"**Every promise**\n\n{bars_table(results)}"
    return "\n\n".join([promises, *beside, _only(results, QUALITY)])


def migration(results: Results) -> str:
    """Render what the page on moving to another model shows."""
    return _only(results, ("migration", "migration-encoder"))


def speed(results: Results) -> str:
    """Render what the page on measuring shows of speed, memory and disk."""
    return _only(results, ("bench",)) if "bench" in results else "Not measured yet."


def reranking(results: Results) -> str:
    """Render what the page on reranking shows."""
    return _only(results, ("offline-rerank", "reranking"))


def _only(results: Results, names: Sequence[str]) -> str:
    chosen = {name: results[name] for name in names if name in results}
    return "\n\n".join([*_tables(chosen, headlines=False), origins(chosen)])


DOCUMENTS: Mapping[Path, Callable[[Results], str]] = {
    PROJECT / "README.md": block,
    PROJECT / "docs" / "quality.md": quality,
    PROJECT / "docs" / "migration.md": migration,
    PROJECT / "docs" / "evaluation.md": speed,
    PROJECT / "docs" / "reranking.md": reranking,
}


def main(arguments: Sequence[str] | None = None, documents: Mapping[Path, Callable[[Results], str]] = DOCUMENTS) -> int:
    """Print every table, or write or check the blocks of the documents."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="rewrite the blocks in README.md and docs")
    action.add_argument("--check", action="store_true", help="fail if one of them is stale")
    given = parser.parse_args(arguments)
    results = read_all()
    if not given.write and not given.check:
        print(everything(results))
        return 0
    return max(_brought_up_to_date(file, render(results), write=given.write) for file, render in documents.items())


def _brought_up_to_date(file: Path, content: str, *, write: bool) -> int:
    """Return 0 for a document that is current now, 1 for a stale one, 2 for one without a place for results."""
    old = file.read_text("utf-8")
    try:
        new = embedded(old, content)
    except MarkersMissingError as error:
        print(f"{file.name}: {error}", file=sys.stderr)
        return 2
    if write:
        file.write_text(new, "utf-8")
    elif old != new:
        print(f"{file.name} shows old results: run python -m benchmarks.table --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
