"""What the protocol's library is told: every tool, every answer, and every kind of failure as an answer."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from fastmcp import Client

from coderank.serving.mcp import server
from coderank.serving.tools import tools
from coderank.serving.workspace import Workspace


def called(workspace: Workspace, tool: str, **arguments: Any) -> tuple[bool, str]:
    async def use() -> tuple[bool, str]:
        async with Client(server(workspace)) as client:
            assert [tool.name for tool in await client.list_tools()] == [spec.name for spec in tools(workspace)]
            found = await client.call_tool(tool, arguments, raise_on_error=False)
            return found.is_error, found.content[0].text

    return anyio.run(use)


@pytest.fixture
def nothing() -> Workspace:
    return Workspace({}, ())


def test_what_nobody_foresaw_is_one_line_for_the_agent_and_all_of_it_in_the_log(
    nothing: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Workspace, "states", fail)
    with caplog.at_level(logging.ERROR, "coderank"):
        wrong, text = called(nothing, "index_status")
    assert (wrong, text) == (True, "index_status failed: ZeroDivisionError. The server's log says more")
    assert "a secret" in caplog.text


def test_what_was_foreseen_says_what_to_do(nothing: Workspace) -> None:
    wrong, text = called(nothing, "search_code", query="x", collection="y")
    assert wrong
    assert text.startswith("No collection 'y' is served here.")


def test_a_tool_that_there_is_not_is_an_error_too(nothing: Workspace) -> None:
    assert called(nothing, "no_such_tool") == (
        True,
        "There is no tool 'no_such_tool'. There are: search_code, find_related, list_collections, index_status",
    )
