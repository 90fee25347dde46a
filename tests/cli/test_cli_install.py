"""``coderank install`` and ``uninstall``, as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.conftest import World

from coderank.cli import registration
from coderank.cli.main import cli
from coderank.errors import ClientFileError, ConfigurationError, UsageError
from coderank.serving.clients.catalogue import CLIENTS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user of Cursor and Codex."""
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "FLATPAK_XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / ".cursor").mkdir(parents=True)
    (home / ".codex").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return home


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=answer)


def test_the_names_offered_are_those_of_the_catalogue() -> None:
    offered = cli.get_command(None, "install")  # type: ignore[arg-type] # not used by it
    assert offered is not None
    assert list(offered.params[0].type.choices) == [client.name for client in CLIENTS]  # type: ignore[attr-defined]


def test_each_client_that_is_here_gets_its_entry_once(home: Path) -> None:
    result = run("install", "--yes")
    assert result.exit_code == 0, result.output
    assert "Cursor:" in result.output
    assert "Codex:" in result.output
    assert "Gemini" not in result.output
    assert f"wrote {home / '.cursor' / 'mcp.json'}" in result.output
    entry = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["coderank"]
    assert entry["args"][-2:] == ["serve", "${workspaceFolder}"]
    assert Path(entry["command"]).is_absolute()
    again = run("install")
    assert again.exit_code == 0
    assert "Cursor has coderank's entry" in again.output
    gone = run("uninstall", "-y")
    assert "deleted" in gone.output
    assert list((home / ".cursor").iterdir()) == list((home / ".codex").iterdir()) == []


def test_nothing_is_written_when_it_is_only_printed_or_nobody_agrees(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = run("install", "cursor", "--print")
    assert printed.exit_code == 0
    assert '+    "coderank": {' in printed.output
    unasked = run("install", "cursor")
    assert isinstance(unasked.exception, UsageError)
    assert "--yes" in unasked.exception.remedy
    monkeypatch.setattr(registration, "_someone_answers", lambda: True)
    declined = run("install", "cursor", answer="n\n")
    assert "Make this change? [y/N]" in declined.output
    assert list((home / ".cursor").iterdir()) == []
    assert "wrote" in run("install", "cursor", answer="y\n").output
    assert (home / ".cursor" / "mcp.json").exists()


def test_a_broken_file_stops_no_other(home: Path) -> None:
    broken = home / ".cursor" / "mcp.json"
    broken.write_text('{"mcpServers": {')
    result = run("install", "--yes")
    assert isinstance(result.exception, ClientFileError)
    assert str(broken) in result.exception.message
    assert (home / ".codex" / "config.toml").exists()
    assert broken.read_text() == '{"mcpServers": {'


def test_an_installation_without_the_server_enters_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "find_spec", lambda _: None)
    result = run("install", "--yes")
    assert isinstance(result.exception, ConfigurationError)
    assert "coderank[serve]" in result.exception.remedy
    assert list((home / ".cursor").iterdir()) == []
    assert run("install", "--print").exit_code == 0


def test_no_client_is_an_error_that_names_them(home: Path) -> None:
    for name in (".cursor", ".codex"):
        (home / name).rmdir()
    result = run("install")
    assert isinstance(result.exception, UsageError)
    assert "claude-code" in result.exception.remedy


def test_a_project_gets_a_file_that_its_team_can_share(world: World) -> None:
    done = world.run("install", "vscode", "codex", "--project", ".", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    servers = json.loads((world.repo / ".vscode" / "mcp.json").read_text())["servers"]
    assert servers == {"coderank": {"type": "stdio", "command": "coderank", "args": ["serve", "${workspaceFolder}"]}}
    assert (world.repo / ".codex" / "config.toml").read_text().startswith("[mcp_servers.coderank]\n")
    refused = world.run("install", "vscode", "--project", "nowhere", "--yes")
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr


def test_the_entry_starts_the_program_that_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "coderank"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert registration.command(shared=False) == (str(program),)
    monkeypatch.setattr(sys, "argv", ["/x/coderank/__main__.py"])
    monkeypatch.setenv("PATH", str(program.parent))
    assert registration.command(shared=False) == (str(program),)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert registration.command(shared=False) == (sys.executable, "-m", "coderank")
    assert registration.command(shared=True) == ("coderank",)


def test_what_was_entered_starts_a_server_that_greets(world: World) -> None:
    program = str(Path(sys.executable).with_name("coderank"))
    written = subprocess.run(
        [program, "install", "gemini", "--yes"], cwd=world.repo, env=world.environment, capture_output=True, check=True
    )
    assert written.stderr == b""
    settings = Path(world.environment["HOME"]) / ".gemini" / "settings.json"
    entry = json.loads(settings.read_text())["mcpServers"]["coderank"]
    assert entry["command"] == program
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    greeting = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    answer = subprocess.run(
        [entry["command"], *entry["args"]],
        cwd=world.repo,  # where the client starts it
        env=world.environment,
        input=greeting.encode() + b"\n",
        capture_output=True,
        check=True,
    )
    assert json.loads(answer.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "coderank"
