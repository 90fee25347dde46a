"""``coderank serve``."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from coderank.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from coderank.serving.guard import Address
    from coderank.settings import Settings

_LIBRARY = {
    "FASTMCP_ENV_FILE": os.devnull,
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_TELEMETRY_MODE": "off",
    "FASTMCP_LOG_LEVEL": "WARNING",
}
"""How the protocol's library is kept from reading a ``.env`` of the searched repository, from asking the network for
its newest version, and from telling what everybody knows."""


@click.command(short_help="Answer agents over the Model Context Protocol.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--http", "http", metavar="HOST:PORT", default=None, help="Listen there (at /mcp) instead of on stdin.")
@click.option(
    "--collection",
    "named",
    metavar="NAME",
    multiple=True,
    help="Serve only this configured collection; repeatable.  [default: all; none where others can reach the address]",
)
@click.option("--no-collections", is_flag=True, help="Serve no configured collection.")
@click.option(
    "--collection-tools/--no-collection-tools",
    default=False,
    help="One more tool, search_NAME, for each collection.  [default: no-collection-tools]",
)
@click.option("--force", is_flag=True, help="Serve a PATH that is a home folder or the top of a disk, too.")
def serve(
    paths: tuple[str, ...],
    *,
    http: str | None,
    named: tuple[str, ...],
    no_collections: bool,
    collection_tools: bool,
    force: bool,
) -> None:
    """Let agents search each PATH (default: this folder) and the configured collections.

    Speaks the Model Context Protocol over standard input and output, for the one program that started it, or with
    --http over streamable HTTP for many. Addresses that others can reach demand CODERANK_SERVE_TOKEN, and offer only
    the collections that are named: whoever has the token searches them with the keys of whoever started the server.
    """
    if named and no_collections:
        raise UsageError("--collection and --no-collections exclude each other", "Leave one of them out")
    if find_spec("fastmcp") is None:
        raise ConfigurationError("This installation cannot serve", "Run: pip install 'coderank[serve]'")
    os.environ.update(_LIBRARY)
    from coderank.settings import Settings  # noqa: PLC0415 - not needed to print help

    settings = Settings.from_environment()
    only = () if no_collections else named or None
    if http is None:
        _over_streams(paths, settings, only, per_collection=collection_tools, force=force)
    else:
        from coderank.serving.guard import Address  # noqa: PLC0415 - a second of imports

        address = Address.parsed(http)
        if only is None and not address.is_loopback:
            only = ()
            if settings.collections_place().exists():
                click.echo("collections are not served to others unless named: --collection NAME", err=True)
        _over_http(paths, settings, only, address, per_collection=collection_tools, force=force)


def _over_streams(
    paths: tuple[str, ...], settings: Settings, only: tuple[str, ...] | None, *, per_collection: bool, force: bool
) -> None:
    from coderank.serving.desk import Desk  # noqa: PLC0415 - not needed to print help
    from coderank.serving.instructions import INSTRUCTIONS, NAME  # noqa: PLC0415
    from coderank.serving.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(paths, settings, only=only, force=force)
    if sys.stdin.isatty():
        click.echo("waiting for an agent's program on standard input; `coderank install` makes it start this", err=True)
    desk = Desk(NAME, INSTRUCTIONS)
    if not desk.greet():
        return
    from coderank.serving.listen import serve_streams  # noqa: PLC0415 - a second of imports: the client is greeted first
    from coderank.serving.mcp import refusal  # noqa: PLC0415

    desk.hand_over(refusal)
    try:
        serve_streams(workspace, desk, per_collection=per_collection)
    finally:
        workspace.close()


def _over_http(
    paths: tuple[str, ...],
    settings: Settings,
    only: tuple[str, ...] | None,
    address: Address,
    *,
    per_collection: bool,
    force: bool,
) -> None:
    from coderank.serving.guard import checked_token  # noqa: PLC0415
    from coderank.serving.listen import PATH, serve_http  # noqa: PLC0415
    from coderank.serving.metrics import MeasuredWorkspace  # noqa: PLC0415

    token = checked_token(address, settings.serve_token)
    workspace = MeasuredWorkspace.open(paths, settings, only=only, force=force)
    try:
        serve_http(
            workspace,
            address,
            token,
            lambda bound: click.echo(f"listening on {bound.url}{PATH}", err=True),
            per_collection=per_collection,
        )
    finally:
        workspace.close()
