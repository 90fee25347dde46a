"""``coderank collections export``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export", short_help="Write the points of a collection to a file.")
@click.argument("name")
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Where to: .jsonl or .jsonl.gz.",
)
@click.option("--vectors", is_flag=True, help="Write the vectors, too; without, they can be computed again.")
def command(name: str, *, file: Path, vectors: bool) -> None:
    """Write every point of the collection NAME to a file, one JSON object a line: its id and its payload.

    Such a file can be the `jsonl` source of another collection, and be embedded on another machine.
    """
    from contextlib import closing  # noqa: PLC0415

    from coderank.engine import Engine  # noqa: PLC0415 - not needed to print help
    from coderank.store.export import checked_target, export_lines  # noqa: PLC0415

    checked_target(file)
    with Engine.open_collection(name) as engine, closing(engine.points()) as points:
        count = export_lines(points, file, vectors=vectors)
    click.echo(f"{name}: {count:,} points written to {file}")
