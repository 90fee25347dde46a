"""What `coderank serve` offers, and to whom: seen without starting a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coderank.cli.main import cli
from coderank.serving import listen

HERE, EVERYWHERE = ("--http", "127.0.0.1:0"), ("--http", "0.0.0.0:0")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what the server that would listen offers; two collections are described."""
    (tmp_path / "repo").mkdir()
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({name: {"sources": [{"path": str(tmp_path / "repo")}]} for name in ("one", "two")}))
    monkeypatch.setenv("CODERANK_COLLECTIONS_FILE", str(file))
    monkeypatch.setenv("CODERANK_SERVE_TOKEN", "a-token-that-nobody-guesses")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "repo")
    found: list[str] = []

    def listening(workspace: Any, *_: object, **__: object) -> None:
        found[:] = workspace.targets

    monkeypatch.setattr(listen, "serve_http", listening)
    return found


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (HERE, ["repo", "one", "two"]),
        ((*HERE, "--collection", "two"), ["repo", "two"]),
        ((*HERE, "--no-collections"), ["repo"]),
        (EVERYWHERE, ["repo"]),
        ((*EVERYWHERE, "--collection", "two", "--collection", "one"), ["repo", "one", "two"]),
    ],
)
def test_others_get_no_collection_that_is_not_named(
    served: list[str], arguments: tuple[str, ...], names: list[str]
) -> None:
    result = CliRunner().invoke(cli, ["serve", *arguments], catch_exceptions=False)
    assert served == names
    assert ("--collection NAME" in result.output) == (arguments == EVERYWHERE)


def test_a_name_and_none_exclude_each_other(served: list[str]) -> None:
    result = CliRunner().invoke(cli, ["serve", *HERE, "--collection", "one", "--no-collections"])
    assert "exclude each other" in str(result.exception)
    assert served == []
