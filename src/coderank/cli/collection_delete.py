"""``coderank collections delete``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from coderank.errors import UsageError

if TYPE_CHECKING:
    from coderank.disposal import Loss


@click.command("delete", short_help="Delete the index of a collection.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--foreign", is_flag=True, help="On a server, delete also what another program wrote.")
def command(name: str, *, yes: bool, foreign: bool) -> None:
    """Delete what is indexed of the collection NAME, after asking. Its sources and its description stay."""
    from coderank.cli.output import size  # noqa: PLC0415 - not needed to print help
    from coderank.disposal import delete, loss  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    found = loss(name, settings, foreign=foreign)
    click.echo(_warning(name, found), err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("There is nobody to ask whether to delete it", "Add --yes")
        click.confirm("Delete it?", abort=True, err=True)
    freed = delete(name, settings, foreign=foreign)
    click.echo(f"{name}: deleted" + (f" ({size(freed)})" if freed else ""))


def _warning(name: str, found: Loss) -> str:
    built = (
        "`coderank index` can build it again from its sources" if found.can_be_built else "nothing can build it again"
    )
    chunks = "what is indexed" if found.chunks is None else f"{found.chunks:,} chunks"
    return f"{name}: {chunks} at {', '.join(found.places)} would be lost; {built}"
