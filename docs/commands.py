"""Write ``docs/commands.md`` from the commands themselves: ``python docs/commands.py``; a test keeps it current."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100
INTRODUCTION = """\
# Commands

Exit codes: 0 done, 1 ran but failed, 2 wrong usage, 130 interrupted. Errors are one line on stderr, with the remedy.
Colours and progress appear on a terminal only; `NO_COLOR` is honoured. `python docs/commands.py` writes this page.
"""


def page() -> str:
    """Render the help of every command."""
    # As the real command makes it: the commands inherit its settings, `-h` among them.
    parent = click.Context(cli, info_name="coderank", **cli.context_settings)
    sections = [_section("coderank", cli, None), *_of_group("coderank", cli, parent)]
    return "\n".join([INTRODUCTION, *sections])


def _of_group(title: str, group: click.Group, parent: click.Context) -> Iterator[str]:
    """The sections of the commands in a group, and of the commands in those."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        yield _section(f"{title} {name}", command, parent)
        if isinstance(command, click.Group):
            yield from _of_group(f"{title} {name}", command, click.Context(command, info_name=name, parent=parent))


def _section(title: str, command: click.Command, parent: click.Context | None) -> str:
    name = title.rpartition(" ")[2]
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    return f"## {title}\n\n```\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
