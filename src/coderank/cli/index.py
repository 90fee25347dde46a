"""``coderank index``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from coderank.cli import options
from coderank.corpus.roots import distinct

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.engine import Engine
    from coderank.types import IndexReport

_NICENESS = 10
"""Half way to the lowest priority: the background run yields to whatever a person is doing."""


@click.command(short_help="Index folders, vectors included.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.model
@options.index_dir
@options.collection
@click.option("--rebuild", is_flag=True, help="Throw the index away and start anew.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Index a collection on a server from here from now on, though another machine did. What it wrote is kept.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--background", is_flag=True, help="Run at low priority; end at once if another run is at it.")
def index(
    paths: tuple[str, ...],
    *,
    model: str | None,
    index_dir: Path | None,
    collection: str | None,
    rebuild: bool,
    take_over: bool,
    quiet: bool,
    background: bool,
) -> None:
    """Index each PATH (default: this folder) or a collection, or bring the index up to date, vectors included.

    Of a collection, copies of repositories are fetched anew first, and --rebuild takes the model that its description
    names now.
    """
    if collection is not None:
        options.refuse_beside_collection({"PATH": paths, "--index-dir": index_dir})
    roots = distinct(paths) or (".",)
    options.refuse_shared_index_dir(index_dir, roots)
    from coderank.engine import Engine  # noqa: PLC0415 - not needed to print help

    one_shot = options.one_shot()
    for path in roots:
        opened = (
            Engine.open(path, model=model or "auto", index_dir=index_dir, one_shot=one_shot)
            if collection is None
            else Engine.open_collection(collection, model=model or "auto", one_shot=one_shot, remember=not rebuild)
        )
        with opened as engine:
            if take_over:
                engine.take_over()
            if background:
                _in_background(engine)
            else:
                _in_foreground(engine, rebuild=rebuild, quiet=quiet)


def _in_background(engine: Engine) -> None:
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    engine.sync()
    engine.fill()


def _in_foreground(engine: Engine, *, rebuild: bool, quiet: bool) -> None:
    from coderank.cli.progress import progress  # noqa: PLC0415 - not needed to print help

    with progress(quiet=quiet) as listener:
        report = engine.index(on_progress=listener, rebuild=rebuild)
    if not quiet:
        sys.stdout.write(f"{summary(engine.label, report)}\n")


def summary(label: str, report: IndexReport) -> str:
    """Say in one line what a run did and what is indexed now."""
    from coderank.render import percent, visible  # noqa: PLC0415 - not needed to print help

    work = f"{report.changed_files:,} changed, {report.deleted_files:,} deleted"
    vectors = f"{report.embedded_chunks:,} embedded, {report.reused_vectors:,} reused"
    covered = "" if report.dense_coverage >= 1 else f"; {percent(report.dense_coverage)} have vectors"
    return (
        f"{visible(label)}: {report.files:,} files ({work}), {report.chunks:,} chunks ({vectors}){covered};"
        f" {len(report.skips):,} left out; {report.seconds:.1f} s"
    )
