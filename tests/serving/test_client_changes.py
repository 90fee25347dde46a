"""Changes of client files: every client's entry, bytes kept, links and rights kept, refusals that touch nothing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.errors import ClientFileError
from coderank.serving.clients.catalogue import CLIENTS, Client
from coderank.serving.clients.change import BACKUP_SUFFIX, Change, backup_of, installed, uninstalled
from coderank.settings import ClientHomes

COMMAND = ("/opt/bin/coderank",)
BY_NAME = {client.name: client for client in CLIENTS}
JSON_FILES = (
    b"",
    b"{}",
    b'{\n  "mcpServers": {\n  }\n}\n',
    b'{\r\n\t"a": [1, 2],\r\n\t"mcpServers": {"x": {"command": "y"}}\r\n}',
    b'\xef\xbb\xbf{"theme": "dark", // mine\n "mcpServers": {},}\n',
    '{"name": "Jürgen", "servers": {"a": {}}, "context_servers": {"b": {}}}'.encode(),
)
TOML_FILES = (b"", b"a = 1", b'[mcp_servers]\n[mcp_servers.x]\ncommand = "y"\r\n\r\n', b"# only a remark\n\n\n")


def install(client: Client, path: Path) -> Change:
    change = installed(client, path, COMMAND)
    change.make()
    return change


@given(st.sampled_from([client for client in CLIENTS if client.format == "json"]), st.sampled_from(JSON_FILES))
def test_a_json_file_is_the_same_bytes_after_install_and_uninstall(client: Client, original: bytes) -> None:
    check_round_trip(client, original)


@given(st.sampled_from([client for client in CLIENTS if client.format == "toml"]), st.sampled_from(TOML_FILES))
def test_a_toml_file_is_the_same_bytes_after_install_and_uninstall(client: Client, original: bytes) -> None:
    check_round_trip(client, original)


def check_round_trip(client: Client, original: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(original)
        install(client, path)
        assert path.read_bytes() != original
        assert backup_of(path).read_bytes() == original
        assert not installed(client, path, COMMAND).is_needed
        uninstalled(client, path).make()
        assert path.read_bytes() == original
        assert [file.name for file in Path(folder).iterdir()] == ["file"]
        assert not uninstalled(client, path).is_needed


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_file_that_was_not_there_goes_again(client: Client, tmp_path: Path) -> None:
    path = tmp_path / client.project_file
    change = install(client, path)
    assert change.before is None
    assert "/dev/null" in change.diff()
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~current_umask()
    uninstalled(client, path).make()
    assert not path.exists()
    assert not backup_of(path).exists()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_the_user_changed_since_stays(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{\n  "mcpServers": {\n    "a": {}\n  }\n}\n')
    install(BY_NAME["cursor"], path)
    path.write_text(path.read_text().replace('"a": {}', '"a": {}, "b": {}'))
    uninstalled(BY_NAME["cursor"], path).make()
    assert path.read_text() == '{\n  "mcpServers": {\n    "a": {}, "b": {}\n  }\n}\n'
    assert backup_of(path).read_text() == '{\n  "mcpServers": {\n    "a": {}\n  }\n}\n'
    install(BY_NAME["cursor"], path)
    assert '"b": {}' in backup_of(path).read_text()  # the file as it was before this first entry


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("was_there", [True, False])
def test_an_update_keeps_the_copy_of_the_original(client: Client, was_there: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    original = b"a = 1\n" if client.format == "toml" else b'{"a": 1}\n'
    if was_there:
        path.write_bytes(original)
    installed(client, path, ("/old/coderank",)).make()
    install(client, path)
    assert (backup_of(path).read_bytes() == original) if was_there else not backup_of(path).exists()
    uninstalled(client, path).make()
    assert (path.read_bytes() == original) if was_there else not path.exists()
    assert not backup_of(path).exists()


def test_an_update_keeps_what_the_user_added_to_the_entry(tmp_path: Path) -> None:
    for client in (BY_NAME["zed"], BY_NAME["codex"]):
        path = tmp_path / client.name
        installed(client, path, ("/old/coderank",)).make()
        text = path.read_text()
        added = '"args": [' if client.format == "json" else "args = ["
        extra = '"env": {"CODERANK_MODEL": "m"}, ' if client.format == "json" else 'env = { CODERANK_MODEL = "m" }\n'
        path.write_text(text.replace(added, extra + added))
        install(client, path)
        assert "CODERANK_MODEL" in path.read_text()
        assert "/opt/bin/coderank" in path.read_text()
        assert "/old/coderank" not in path.read_text()


def test_a_link_stays_a_link_and_rights_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "mcp.json", tmp_path / "home" / "mcp.json"
    real.parent.mkdir()
    link.parent.mkdir()
    real.write_text('{"secret": "x"}')
    real.chmod(0o600)
    link.symlink_to(Path("..") / "dotfiles" / "mcp.json")
    install(BY_NAME["cursor"], link)
    assert link.readlink() == Path("../dotfiles/mcp.json")
    assert "coderank" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup_of(link).stat().st_mode) == 0o600
    assert list(real.parent.iterdir()) == [real]


def test_a_file_changed_while_the_user_was_asked_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".claude.json"
    path.write_text("{}")
    change = installed(BY_NAME["claude-code"], path, COMMAND)
    path.write_text('{"numStartups": 7}')
    with pytest.raises(ClientFileError, match="changed meanwhile"):
        change.make()
    assert path.read_text() == '{"numStartups": 7}'
    assert not backup_of(path).exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"mcpServers": {', "no JSON"),
        (b"[]", "not an object"),
        (b'{"mcpServers": []}', "not an object"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"mcpServers": {"coderank": {"command": "npx", "args": ["-y", "coderank-mcp"]}}}', "does not start this"),
        (b'{"mcpServers": {"coderank": {"url": "http://127.0.0.1:8377/mcp"}}}', "does not start this"),
    ],
)
def test_a_file_that_cannot_be_edited_is_left_alone_and_says_what_to_do(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(content)
    with pytest.raises(ClientFileError, match=reason) as refused:
        installed(BY_NAME["cursor"], path, COMMAND)
    assert '"coderank": {"command": "/opt/bin/coderank", "args": ["serve"' in refused.value.remedy
    assert "mcpServers" in refused.value.remedy
    if reason != "not UTF-8":
        with pytest.raises(ClientFileError):
            uninstalled(BY_NAME["cursor"], path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}")
    path.chmod(0o400)
    with pytest.raises(ClientFileError, match="read-only"):
        install(BY_NAME["cursor"], path)
    assert path.read_text() == "{}"


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").mkdir()
    with pytest.raises(ClientFileError, match="Cannot read"):
        installed(BY_NAME["cursor"], tmp_path / "mcp.json", COMMAND)
    (tmp_path / "file").write_text("")
    with pytest.raises(ClientFileError, match="Cannot"):
        install(BY_NAME["cursor"], tmp_path / "file" / "mcp.json")


def test_every_client_starts_the_server_its_own_way(tmp_path: Path) -> None:
    entries = {}
    for client in CLIENTS:
        path = tmp_path / client.name
        install(client, path)
        text = path.read_text()
        entries[client.name] = text if client.format == "toml" else json.loads(text)[client.table]["coderank"]
    started = {"command": "/opt/bin/coderank", "args": ["serve"]}
    in_open_folder = {"command": "/opt/bin/coderank", "args": ["serve", "${workspaceFolder}"]}
    assert entries == {
        "claude-code": {"type": "stdio"} | started,
        "cursor": in_open_folder,
        "vscode": {"type": "stdio"} | in_open_folder,
        "codex": '[mcp_servers.coderank]\ncommand = "/opt/bin/coderank"\nargs = ["serve"]\n',
        "zed": started,
        "gemini": started,
    }


@pytest.mark.parametrize(
    ("platform", "environment", "files"),
    [
        ("linux", {}, {"vscode": ".config/Code/User/mcp.json", "zed": ".config/zed/settings.json"}),
        ("linux", {"XDG_CONFIG_HOME": "relative"}, {"zed": ".config/zed/settings.json"}),
        (
            "linux",
            {"XDG_CONFIG_HOME": "/x", "FLATPAK_XDG_CONFIG_HOME": "/f"},
            {"vscode": "/x/Code/User/mcp.json", "zed": "/f/zed/settings.json"},
        ),
        (
            "darwin",
            {"XDG_CONFIG_HOME": "/x"},
            {"vscode": "Library/Application Support/Code/User/mcp.json", "zed": ".config/zed/settings.json"},
        ),
        ("win32", {"APPDATA": "/r"}, {"vscode": "/r/Code/User/mcp.json", "zed": "/r/Zed/settings.json"}),
        (
            "linux",
            {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/d"},
            {"claude-code": "/c/.claude.json", "codex": "/d/config.toml"},
        ),
        (
            "linux",
            {},
            {
                "claude-code": ".claude.json",
                "codex": ".codex/config.toml",
                "cursor": ".cursor/mcp.json",
                "gemini": ".gemini/settings.json",
            },
        ),
    ],
)
def test_the_files_are_where_each_system_has_them(
    platform: str, environment: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    homes = ClientHomes.from_environment(environment, home=tmp_path, platform=platform)
    found = {name: BY_NAME[name].user_file(homes) for name in files}
    assert found == {name: tmp_path / file for name, file in files.items()}


def test_a_client_is_here_by_file_folder_or_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    homes = ClientHomes.from_environment({}, home=tmp_path, platform="linux")
    assert [client.name for client in CLIENTS if client.is_here(homes)] == []
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".cursor").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gemini").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "gemini").chmod(0o755)
    assert [client.name for client in CLIENTS if client.is_here(homes)] == ["claude-code", "cursor", "gemini"]


def test_of_a_file_on_one_line_only_the_change_is_shown(tmp_path: Path) -> None:
    path = tmp_path / ".claude.json"
    path.write_text(json.dumps({"history": ["secret"] * 200, "mcpServers": {"a": {"command": "b"}}, "z": "y" * 900}))
    shown = installed(BY_NAME["claude-code"], path, COMMAND).diff()
    assert '"coderank": {"type": "stdio", "command": "/opt/bin/coderank", "args": ["serve"]}' in shown
    assert len(shown) < 500 + 2 * len(str(path))
    assert "@@ character" in shown
    assert [line[0] for line in shown.split("\n")] == ["-", "+", "@", "-", "+"]


def test_the_backup_is_named_after_the_file() -> None:
    assert backup_of(Path("/a/mcp.json")) == Path(f"/a/mcp.json{BACKUP_SUFFIX}")
