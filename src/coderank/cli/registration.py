"""What ``coderank install`` and ``coderank uninstall`` share: whose files, and change after asking."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from coderank.errors import ClientFileError, ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.serving.clients.catalogue import Client
    from coderank.serving.clients.change import Change

    Plan: TypeAlias = Callable[[Client, Path], Change]

_NAMES = ("claude-code", "cursor", "vscode", "codex", "zed", "gemini")
"""Those of the catalogue, which a test compares: help is printed without loading it."""

client_names = click.argument("client_names", metavar="[CLIENT]...", nargs=-1, type=click.Choice(_NAMES))
project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Use the file of the project in DIR, which its team shares, instead of the user's own.",
)
print_only = click.option("--print", "print_only", is_flag=True, help="Only print the changes.")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def files(names: tuple[str, ...], project: Path | None) -> list[tuple[Client, Path]]:
    """Find the clients and the file of each. Raises UsageError if none is named and none is found."""
    from coderank.serving.clients.catalogue import CLIENTS  # noqa: PLC0415 - not needed to print help
    from coderank.settings import ClientHomes  # noqa: PLC0415

    homes = ClientHomes.from_environment()
    chosen = [client for client in CLIENTS if (client.name in names if names else client.is_here(homes))]
    if not chosen:
        raise UsageError("No client was found here", f"Name one: {', '.join(_NAMES)}")
    return [
        (client, project.absolute() / client.project_file if project else client.user_file(homes)) for client in chosen
    ]


def command(*, shared: bool) -> tuple[str, ...]:
    """How a client starts this program: by its whole path, as few clients have the shell's PATH.

    A file that a team shares names it without one, for everybody has it somewhere else.
    """
    if shared:
        return ("coderank",)
    started = Path(sys.argv[0])
    if started.name in {"coderank", "coderank.exe"} and started.is_file():
        return (str(started.absolute()),)
    found = shutil.which("coderank")
    return (str(Path(found).absolute()),) if found else (sys.executable, "-m", "coderank")


def refuse_without_server() -> None:
    """Refuse to have a server started that this installation lacks. Raises ConfigurationError."""
    if find_spec("fastmcp") is None:
        raise ConfigurationError("This installation cannot serve", "Run: pip install 'coderank[serve]'")


def carry_out(chosen: list[tuple[Client, Path]], plan: Plan, *, done: str, print_only: bool, yes: bool) -> None:
    """Plan all changes, show them, ask, and make them. A file that is refused keeps none of the others from theirs.

    Raises:
        ClientFileError: of the last file that was refused, after all others are done.
    """
    changes, refused = _planned(chosen, plan)
    needed = [change for change in changes if change.is_needed]
    for change in changes:
        _show(change, done)
    if needed and not print_only and _agreed(needed, yes=yes):
        for change in needed:
            change.make()
            click.echo(_made(change))
    for error in refused[:-1]:
        click.echo(f"coderank: {error}", err=True)
    if refused:
        raise refused[-1]


def _planned(chosen: list[tuple[Client, Path]], plan: Plan) -> tuple[list[Change], list[ClientFileError]]:
    changes, refused = [], []
    for client, file in chosen:
        try:
            changes.append(plan(client, file))
        except ClientFileError as error:
            refused.append(error)
    return changes, refused


def _show(change: Change, done: str) -> None:
    from coderank.render import visible  # noqa: PLC0415 - not needed to print help

    if not change.is_needed:
        click.echo(f"{change.client.title} {done}: {visible(str(change.path))}")
        return
    click.echo(f"{change.client.title}:")
    for line in change.diff().split("\n"):
        click.echo(_coloured(visible(line)))
    click.echo()


def _coloured(line: str) -> str:
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=colour) if colour and sys.stdout.isatty() else line


def _agreed(needed: list[Change], *, yes: bool) -> bool:
    if yes:
        return True
    if not _someone_answers():
        raise UsageError("There is nobody to ask", "Run it again with --yes, or with --print to see the changes only")
    question = "Make this change?" if len(needed) == 1 else f"Make these {len(needed)} changes?"
    return click.confirm(question)


def _someone_answers() -> bool:
    return sys.stdin.isatty()


def _made(change: Change) -> str:
    if change.after is None:
        return f"deleted {change.path}, which held nothing else"
    kept = f"  (as it was: {change.backup})" if change.backup.exists() else ""
    return f"wrote {change.path}{kept}"
