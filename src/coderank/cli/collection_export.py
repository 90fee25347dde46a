"""``coderank collections export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coderank.migration.contract import Moving
    from coderank.store.raw import RawPoint, RawPoints


@click.command("export", short_help="Write the points of a collection to a file.")
@click.argument("name")
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Where to: .jsonl, .jsonl.gz or .parquet.",
)
@click.option("--vectors", is_flag=True, help="Write the vectors, too; without, they can be computed again.")
def command(name: str, *, file: Path, vectors: bool) -> None:
    """Write every point of the collection NAME to a file, its id and its payload: a line of JSON or a row of Parquet.

    Either can be embedded on another machine; one with a JSON object a line can be a source of another collection.
    """
    from contextlib import closing  # noqa: PLC0415

    from coderank.cli.progress import told  # noqa: PLC0415 - not needed to print help
    from coderank.engine import Engine  # noqa: PLC0415
    from coderank.store.export import checked_target, export_lines  # noqa: PLC0415

    checked_target(file)
    with Engine.open_collection(name) as engine, closing(engine.points()) as points, told(name) as listener:
        pages = _told(points, listener, vectors=vectors)
        if file.suffix == ".parquet":
            count = _rows(name, points, pages, file, vectors=vectors)
        else:
            count = export_lines(pages, file, vectors=vectors)
    click.echo(f"{name}: {count:,} points written to {file}")


def _told(points: RawPoints, listener: Callable[[Moving], None], *, vectors: bool) -> Iterator[list[RawPoint]]:
    """Give the pages of all points, and tell how far they are."""
    from coderank.migration.contract import Moving, Step  # noqa: PLC0415

    done, total = 0, points.count()
    for page in points.pages(vectors=vectors):
        yield page
        done += len(page)
        listener(Moving(Step.EXPORT, done, max(done, total)))


def _rows(name: str, points: RawPoints, pages: Iterator[list[RawPoint]], file: Path, *, vectors: bool) -> int:
    """Write rows of Parquet. Which model made the vectors is told by the collection, not by the file."""
    try:
        from coderank.migration.parquet import Header, writing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"Parquet needs a package that is missing: {error.name}", "Run: pip install 'coderank[parquet]'"
        ) from error
    dense = {spec.name: spec.dimension for spec in points.specs() if not spec.sparse and not spec.multi}
    count = 0
    with writing(file, Header(None, dense if vectors else {})) as writer:
        for page in pages:
            writer.write(name, page)
            count += len(page)
    return count
