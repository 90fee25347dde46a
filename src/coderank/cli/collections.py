"""``coderank collections``: finds the command asked for, whose module is imported when it runs."""

from __future__ import annotations

import importlib
from typing import cast

import click

_MODULES = {
    "list": "collection_list",
    "info": "collection_info",
    "export": "collection_export",
    "advise": "collection_advise",
    "size": "collection_size",
    "delete": "collection_delete",
}
"""The commands in the order they are needed in, and the file of each."""


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"coderank.cli.{_MODULES[cmd_name]}")
        return cast("click.Command", module.command)


@click.group(cls=_Commands, short_help="List, describe, measure, export and delete collections.")
def collections() -> None:
    """See what your file of collections describes and what is indexed of it; export and delete indexes."""
