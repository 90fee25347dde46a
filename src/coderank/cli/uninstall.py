"""``coderank uninstall``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coderank.cli import registration

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Disconnect agents' programs.")
@registration.client_names
@registration.project
@registration.print_only
@registration.yes
def uninstall(*, client_names: tuple[str, ...], project: Path | None, print_only: bool, yes: bool) -> None:
    """Take coderank's entry out of the configuration of each CLIENT (default: those that are found here).

    Shows each change and asks before it makes it. A file in which nothing else changed since becomes, byte for byte,
    what it was before. Indexes stay where they are.

    CLIENT: claude-code, cursor, vscode, codex, zed or gemini.
    """
    from coderank.serving.clients.change import uninstalled  # noqa: PLC0415 - not needed to print help

    registration.carry_out(
        registration.files(client_names, project),
        uninstalled,
        done="has no entry of coderank",
        print_only=print_only,
        yes=yes,
    )
