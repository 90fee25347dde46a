"""``coderank install``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coderank.cli import registration

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Connect agents' programs to coderank.")
@registration.client_names
@registration.project
@registration.print_only
@registration.yes
def install(*, client_names: tuple[str, ...], project: Path | None, print_only: bool, yes: bool) -> None:
    """Enter coderank as an MCP server in the configuration of each CLIENT (default: those that are found here).

    Shows each change and asks before it makes it. All else in a file stays, byte for byte, and a copy of it as it was
    is kept beside it. An entry that is there already is brought up to date.

    CLIENT: claude-code, cursor, vscode, codex, zed or gemini.
    """
    from coderank.serving.clients.change import installed  # noqa: PLC0415 - not needed to print help

    if not print_only and project is None:
        registration.refuse_without_server()
    command = registration.command(shared=project is not None)
    registration.carry_out(
        registration.files(client_names, project),
        lambda client, file: installed(client, file, command),
        done="has coderank's entry",
        print_only=print_only,
        yes=yes,
    )
