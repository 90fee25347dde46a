"""The clients that coderank can be entered in: their files, and what an entry looks like in each.

Where this is from, as of November 2026:

- Claude Code: code.claude.com/docs/en/mcp, "MCP installation scopes": ``.mcp.json`` of a project, ``~/.claude.json`` of
  a user, below ``mcpServers``. ``CLAUDE_CONFIG_DIR`` moves the latter.
- Cursor: cursor.com/docs/mcp: ``.cursor/mcp.json`` of a project and of the home folder, below ``mcpServers``;
  ``${workspaceFolder}`` in an argument is the folder that is open.
- VS Code: code.visualstudio.com/docs/copilot/reference/mcp-configuration: ``.vscode/mcp.json`` of a workspace,
  ``mcp.json`` of the user's profile, below ``servers``. It starts a user's server in the home folder
  (``extHostMcpNode.ts``), so the folder to search is an argument.
- Codex: developers.openai.com/codex/mcp: ``[mcp_servers.NAME]`` in ``config.toml`` of ``~/.codex``, or of ``.codex`` in
  a project that the user trusts. ``CODEX_HOME`` moves the former.
- Zed: zed.dev/docs/ai/mcp: ``context_servers`` in ``settings.json`` of the user or of ``.zed`` in a project; it starts
  a server in the folder that is open (``context_server_store.rs``).
- Gemini CLI: its ``docs/tools/mcp-server.md``: ``mcpServers`` in ``settings.json`` of ``~/.gemini``, or of ``.gemini``
  in a project.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.settings import ClientHomes

_OPEN_FOLDER = "${workspaceFolder}"
"""What VS Code and Cursor replace with the folder that is open."""


@dataclass(frozen=True, slots=True)
class Client:
    """One program whose agents can use coderank."""

    name: str
    """On the command line."""
    title: str
    table: str
    """What holds the servers in its file."""
    project_file: str
    """Relative to a project's folder."""
    user_file: Callable[[ClientHomes], Path]
    programs: tuple[str, ...]
    """Names by which it is started."""
    format: Literal["json", "toml"] = "json"
    arguments: tuple[str, ...] = ()
    """Behind ``coderank serve``: what it is to search, where the client starts it elsewhere."""
    fixed: tuple[tuple[str, str], ...] = field(default=())
    """What an entry says besides the command."""

    def is_here(self, homes: ClientHomes) -> bool:
        """Whether this user has it: a file or folder of its own, or a program to start."""
        file = self.user_file(homes)
        own_folder = file.parent if file.parent != homes.home else homes.home / f".{self.programs[0]}"
        return file.exists() or own_folder.is_dir() or any(map(shutil.which, self.programs))


CLIENTS = (
    Client(
        name="claude-code",
        title="Claude Code",
        table="mcpServers",
        project_file=".mcp.json",
        user_file=lambda homes: (homes.claude or homes.home) / ".claude.json",
        programs=("claude",),
        fixed=(("type", "stdio"),),
    ),
    Client(
        name="cursor",
        title="Cursor",
        table="mcpServers",
        project_file=".cursor/mcp.json",
        user_file=lambda homes: homes.home / ".cursor" / "mcp.json",
        programs=("cursor", "cursor-agent"),
        arguments=(_OPEN_FOLDER,),
    ),
    Client(
        name="vscode",
        title="VS Code",
        table="servers",
        project_file=".vscode/mcp.json",
        user_file=lambda homes: homes.programs / "Code" / "User" / "mcp.json",
        programs=("code",),
        arguments=(_OPEN_FOLDER,),
        fixed=(("type", "stdio"),),
    ),
    Client(
        name="codex",
        title="Codex",
        table="mcp_servers",
        project_file=".codex/config.toml",
        user_file=lambda homes: (homes.codex or homes.home / ".codex") / "config.toml",
        programs=("codex",),
        format="toml",
    ),
    Client(
        name="zed",
        title="Zed",
        table="context_servers",
        project_file=".zed/settings.json",
        user_file=lambda homes: homes.zed / "settings.json",
        programs=("zed", "zeditor", "zedit"),
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        table="mcpServers",
        project_file=".gemini/settings.json",
        user_file=lambda homes: homes.home / ".gemini" / "settings.json",
        programs=("gemini",),
    ),
)
