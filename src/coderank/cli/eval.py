"""``coderank eval``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.report import Report
    from coderank.evaluation.runs import Run

_MODES = ("hybrid", "dense", "lexical")


@click.command(short_help="Measure the quality of answers on judged questions.")
@click.argument("dataset_dir", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--repos", "repositories", type=click.Path(path_type=Path), metavar="DIR", help="Where repositories lie.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this repository of the set; may be repeated.")
@click.option(
    "--mode",
    type=click.Choice([*_MODES, "all"]),
    default="hybrid",
    show_default=True,
    help="Which legs; or each in turn.",
)
@click.option("--model", "models", multiple=True, metavar="M", help="Embedding model; may be repeated.")
@options.rerank
@click.option("--lang", "language", default="", metavar="L", help="Language of documents that name none.")
@click.option("--against", type=click.Path(path_type=Path), metavar="RUN.json", help="Compare with an earlier run.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write runs, report.md and report.html here."
)
@options.output_format
def eval(  # noqa: PLR0913 - one parameter per option
    dataset_dir: Path,
    *,
    repositories: Path | None,
    only: tuple[str, ...],
    mode: str,
    models: tuple[str, ...],
    rerank: bool | None,
    language: str,
    against: Path | None,
    out: Path | None,
    output_format: str,
) -> None:
    """Measure the quality of answers on the judged questions in DIR.

    DIR holds a set in BEIR layout (corpus.jsonl, queries.jsonl, qrels.tsv), or questions about repositories
    (repos.json, annotations/), which --repos then holds. They are indexed and asked as `coderank search` does it;
    vectors are kept, so that the next run is quick.
    """
    from coderank.cli.evaluating import Plan, run  # noqa: PLC0415 - not needed to print help
    from coderank.cli.progress import progress  # noqa: PLC0415
    from coderank.evaluation import datasets, runs  # noqa: PLC0415
    from coderank.evaluation.report import Report  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    dataset = datasets.load(dataset_dir, only, language)
    baseline = runs.read(against) if against else None
    if baseline is not None:
        runs.same_data(baseline, dataset.digest, dataset.name)
    modes = _MODES if mode == "all" else (mode,)
    with progress() as listener:
        plan = Plan(dataset, repositories, modes, bool(rerank), Settings.from_environment(), listener, _announce)
        found = [one for model in dict.fromkeys(models or ("auto",)) for one in run(plan, model)]
    report = Report.of(found, baseline)
    if out is not None:
        _write(report, found, out)
    _show(report, output_format, out)


def _announce(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(what, err=True)


def _write(report: Report, found: Sequence[Run], out: Path) -> None:
    from coderank.cli.reporting import write_file  # noqa: PLC0415 - not needed to print help
    from coderank.evaluation import runs  # noqa: PLC0415
    from coderank.evaluation.report import html, markdown  # noqa: PLC0415

    for run in found:
        runs.write(out / f"{run.name.replace(' + ', '-').replace(' ', '-').replace('/', '-')}.json", run)
    write_file(out / "report.md", markdown(report))
    write_file(out / "report.html", html(report))


def _show(report: Report, output_format: str, out: Path | None) -> None:
    from coderank.cli.output import write_json  # noqa: PLC0415 - not needed to print help
    from coderank.cli.reporting import write_tables  # noqa: PLC0415

    if output_format == "json":
        write_json(report.json())
        return
    facts = [f"{name}: {value}" for name, value in report.facts()]
    write_tables(report.tables(), facts + [one.sentence() for one in report.comparisons()], report.notes())
    if out is not None:
        click.echo(f"\nwrote {out / 'report.html'}, report.md and a file for each run")
