"""``coderank compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from coderank.cli.comparing import Where
    from coderank.evaluation.golden import Asked
    from coderank.settings import Settings


@click.command(short_help="Compare the answers, the speed and the size of two indexes.")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--queries", type=click.Path(path_type=Path), metavar="FILE", help="What to ask both.")
@click.option(
    "--generate",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Draw N questions from A's doc strings, headings, history.",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Exit with 1 if B loses more nDCG@10 than this against A; needs questions with answers.",
)
@click.option("--sure", is_flag=True, help="The whole 95 % interval of the loss has to stay below --max-loss.")
@click.option(
    "--mode", type=click.Choice(["hybrid", "dense", "lexical"]), default="hybrid", show_default=True, help="Which legs."
)
@options.rerank
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Write a page with plots.")
@options.output_format
def compare(  # noqa: PLR0913 - one parameter per option
    old: str,
    new: str,
    *,
    queries: Path | None,
    generate: int | None,
    max_loss: float | None,
    sure: bool,
    mode: str,
    rerank: bool | None,
    out: Path | None,
    output_format: str,
) -> None:
    """Compare index A with index B: collections, indexed paths, or folders of indexes (as `status` shows them).

    A folder that is called as a collection is ./NAME.

    FILE holds a question a line, or a JSON object a line, with the answers where they are known: {"query": "where are
    logins limited", "relevant": ["src/login.py"]}. With answers, quality is compared; without, only the likeness of
    the answers. Nothing is indexed.

    A@old and A@new are what the last migration of A left: its points of before, and those of after.

    --generate N draws questions instead, and writes them to FILE if --queries names one that is not there. The lines
    that say the answers are taken out of copies of both indexes before these are asked.
    """
    from coderank.cli.comparing import How, find  # noqa: PLC0415 - not needed to print help
    from coderank.cli.comparing import compare as compared  # noqa: PLC0415
    from coderank.cli.output import write_json  # noqa: PLC0415
    from coderank.cli.reporting import write_file, write_tables  # noqa: PLC0415
    from coderank.errors import UsageError  # noqa: PLC0415
    from coderank.evaluation import compare_report, golden  # noqa: PLC0415
    from coderank.evaluation.sides import judgeable  # noqa: PLC0415
    from coderank.render import visible  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    if sure and max_loss is None:
        raise UsageError("--sure says how --max-loss is meant", "Give --max-loss as well")
    settings = Settings.from_environment()
    places = find(old, settings), find(new, settings)
    asked = _asked(places[0], queries, generate, settings)
    name = queries.name if queries else f"drawn from {old}"
    if max_loss is not None:
        judgeable(golden.dataset(name, asked))  # before anything is asked
    found = compared(*places, asked, How(mode, bool(rerank), name), settings)
    verdict = None if max_loss is None else found.verdict(max_loss, sure=sure)
    if out is not None:
        write_file(out, compare_report.html(found, verdict))
    if output_format == "json":
        write_json(compare_report.to_json(found, verdict))
    else:
        click.echo("".join(f"{letter}  {visible(place)}\n" for letter, place in compare_report.places(found)))
        said = compare_report.sentences(found, verdict)
        write_tables(compare_report.tables(found), said, compare_report.notes(found))
        if out is not None:
            click.echo(f"\nwrote {out}")
    if verdict is not None and not verdict.passed:
        raise click.exceptions.Exit(1)


def _asked(where: Where, queries: Path | None, generate: int | None, settings: Settings) -> list[Asked]:
    """Read the questions, or draw them. Raises UsageError."""
    from coderank.cli.comparing import drawn  # noqa: PLC0415 - not needed to print help
    from coderank.errors import UsageError  # noqa: PLC0415
    from coderank.evaluation import golden  # noqa: PLC0415
    from coderank.evaluation.drawing import told  # noqa: PLC0415

    if generate is None:
        if queries is None:
            raise UsageError(
                "There is nothing to ask", "Give questions, --queries FILE, or let them be drawn, --generate 200"
            )
        return golden.questions(queries)
    if queries is not None and queries.exists():
        raise UsageError(
            f"{queries} is there already", "Leave out --generate to ask what it holds, or name another file"
        )
    asked = drawn(where, generate, settings)
    click.echo(told(asked), err=True)
    if queries is not None:
        golden.write(queries, asked)
    return asked
