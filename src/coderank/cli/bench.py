"""``coderank bench``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from coderank.cli import options

_SIZES = "10000,100000"


@click.command(short_help="Measure speed, memory and disk on this machine.")
@click.argument("path", default=".", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--sizes", default=_SIZES, show_default=True, metavar="N,N", help="Chunks of the stores that growth is measured on."
)
@click.option("--questions", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How many to ask.")
@options.model
@options.rerank
@click.option(
    "--rival",
    type=click.Path(path_type=Path),
    metavar="PYTHON",
    help="An interpreter with semble or sentence-transformers.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write bench.json, bench.md and bench.html."
)
@options.output_format
def bench(
    path: Path,
    *,
    sizes: str,
    questions: int,
    model: str | None,
    rerank: bool | None,
    rival: Path | None,
    out: Path | None,
    output_format: str,
) -> None:
    """Measure what coderank takes on this machine with the tree at PATH (default: this folder).

    Indexing from nothing, unchanged and after a change; a command and a question by stage; growth, with the chunks of
    PATH repeated under other names and with other vectors; recall and time by compression. It works on a copy, takes
    minutes and wants a quiet machine: the result says how busy it was.
    """
    import tempfile  # noqa: PLC0415 - not needed to print help

    import msgspec  # noqa: PLC0415

    from coderank.cli.benching import Plan  # noqa: PLC0415
    from coderank.cli.benching import bench as measured  # noqa: PLC0415
    from coderank.cli.output import write_json  # noqa: PLC0415
    from coderank.cli.reporting import write_file, write_tables  # noqa: PLC0415
    from coderank.evaluation import bench_report  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="coderank-bench-") as scratch:
        chosen = _sizes(sizes)
        plan = Plan(
            path,
            Path(scratch),
            model or "auto",
            chosen,
            questions,
            rerank=bool(rerank),
            rival=rival,
            announce=_announce,
        )
        found = measured(plan)
    written = msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
    if out is not None:
        write_file(out / "bench.json", written + "\n")
        write_file(out / "bench.md", bench_report.markdown(found))
        write_file(out / "bench.html", bench_report.html(found))
    if output_format == "json":
        write_json(msgspec.json.encode(found).decode())
        return
    write_tables(
        bench_report.all_tables(found), [f"{name}: {value}" for name, value in bench_report.facts(found)], found.notes
    )
    if out is not None:
        click.echo(f"\nwrote {out / 'bench.html'}, bench.md and bench.json")


def _sizes(text: str) -> list[int]:
    """Read ``10000,100000``; nothing leaves growth out. Raises UsageError."""
    from coderank.errors import UsageError  # noqa: PLC0415 - not needed to print help

    parts = [part.strip().replace("_", "") for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise UsageError(f"--sizes is {text!r}", f"Give numbers of chunks: --sizes {_SIZES},1000000")
    return sorted({int(part) for part in parts})


def _announce(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{what} …", err=True)
