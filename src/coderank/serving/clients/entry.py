"""What a client is told: how to start the server."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.serving.clients.catalogue import Client

NAME = "coderank"
"""Of the entry, in every client."""
_STARTED = ("command", "args")
"""What an install sets; whatever else an entry says is the user's."""


def entry_for(client: Client, command: Sequence[str], older: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make a client's entry for a command, keeping what the user added to an older one."""
    made = dict(client.fixed) | {
        "command": command[0],
        "args": [*command[1:], "serve", *client.arguments],
    }
    added = {key: value for key, value in (older or {}).items() if key not in made}
    return made | added


def is_ours(entry: dict[str, Any]) -> bool:
    """Whether an entry of our name starts coderank, and not another program of that name's owner."""
    command, arguments = (entry.get(key) for key in _STARTED)
    if not isinstance(command, str):
        return False
    if PurePath(command.replace("\\", "/")).name.removesuffix(".exe") == NAME:
        return True
    return isinstance(arguments, list) and arguments[:2] == ["-m", NAME]
