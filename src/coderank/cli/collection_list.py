"""``coderank collections list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.described import Described

_COLUMNS = ("collection", "model", "sources", "store", "chunks", "vectors")


@click.command("list", short_help="List the collections.")
@options.output_format
def command(output_format: str) -> None:
    """List the collections that the file describes, and how far each is indexed here. Asks no server."""
    from coderank.cli.output import write_json  # noqa: PLC0415 - not needed to print help
    from coderank.described import overview  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    found = overview(settings)
    if output_format == "json":
        write_json(json.dumps({"file": str(settings.collections_place()), "collections": _fields(found)}))
        return
    for line in _lines(found):
        click.echo(line)


def _fields(found: list[Described]) -> list[dict[str, object]]:
    return [
        {
            "name": one.name,
            "model": one.model,
            "sources": list(one.sources),
            "store": one.store,
            "indexed": one.totals is not None,
            "files": one.totals.files if one.totals else 0,
            "chunks": one.totals.chunks if one.totals else 0,
            "dense_coverage": one.totals.coverage if one.totals else 0.0,
            "problem": one.problem,
        }
        for one in found
    ]


def _lines(found: list[Described]) -> Iterator[str]:
    from coderank.cli.model_table import screen_width  # noqa: PLC0415 - not needed to print help
    from coderank.evaluation.tables import Table, lines  # noqa: PLC0415
    from coderank.render import percent, visible  # noqa: PLC0415

    if not found:
        yield "The file describes no collection."
        return
    rows = [
        [
            visible(one.name),
            one.model,
            visible(", ".join(one.sources)) or "-",
            visible(one.store),
            f"{one.totals.chunks:,}" if one.totals else "-",
            percent(one.totals.coverage) if one.totals else "-",
        ]
        for one in found
    ]
    yield from lines(Table("", _COLUMNS, rows), screen_width())
    for one in found:
        if one.problem:
            yield f"{visible(one.name)}: {visible(one.problem)}"
