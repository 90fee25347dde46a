"""``coderank load``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from coderank.cli import options


@click.command(short_help="Move a collection to vectors that were made elsewhere.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--collection", "name", required=True, metavar="NAME", help="A collection, or a PATH that is indexed.")
@click.option("--from", "source", default="", metavar="NAME", help="What it is called in FILE, if not so.")
@click.option("--model", default="", metavar="M", help="The model of FILE.  [default: the one that it names]")
@click.option("--force", is_flag=True, help="Give up a move that was begun and not finished.")
@click.option("--allow-missing", is_flag=True, help="Let points without a text go without a vector.")
@click.option("-v", "--verbose", is_flag=True, help="Name every point without a vector, and what was verified.")
@options.index_dir
def load(
    file: Path,
    *,
    name: str,
    source: str,
    model: str,
    force: bool,
    allow_missing: bool,
    verbose: bool,
    index_dir: Path | None,
) -> None:
    """Take the vectors of FILE, which `coderank embed` wrote, and cut the collection over as `coderank migrate` does.

    The file is checked against its sum, its model against the one here. Points that changed since are embedded here.
    Where there is neither an index nor a collection on the server yet, one is made of the points of FILE. Those of
    other programs keep their ids and payloads.
    """
    from contextlib import closing  # noqa: PLC0415

    from coderank.cli.migration_table import report_lines  # noqa: PLC0415 - not needed to print help
    from coderank.cli.moved import bare, move_of, opened, reconfigure, reconfiguring  # noqa: PLC0415
    from coderank.cli.progress import told  # noqa: PLC0415
    from coderank.migration.parquet import Reader  # noqa: PLC0415
    from coderank.moving.creation import create, is_missing  # noqa: PLC0415

    with closing(Reader(file)) as reader:
        kind = reader.header.kind
    chosen = model or (kind.model if kind else "")
    with bare(name, chosen or "auto", index_dir) as engine, told(name) as listener:
        if is_missing(engine):
            model = chosen or engine.model
            made = create(engine, file, source or name, model, listener, allow_missing=allow_missing)
            lacking = f"; {made.without:,} have none" if made.without else ""
            sys.stdout.write(f"{name}: made of {made.points:,} points, with the vectors of {kind}{lacking}\n")
            if kind and (done := reconfigure(engine, kind, told=made.ours)):
                click.echo(done, err=True)
            return
    with (
        opened(name, chosen, index_dir) as engine,
        move_of(engine, chosen, force=force) as move,
        told(name) as listener,
    ):
        tell = reconfiguring(engine, move)
        report = move.load(
            file, source or name, allow_missing=allow_missing, then=partial(tell, during=True), on_progress=listener
        )
        tell()
    for line in report_lines(name, report, verbose=verbose):
        sys.stdout.write(f"{line}\n")
