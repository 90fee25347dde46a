"""The Model Context Protocol's door: the tools as FastMCP sees them. The only file that knows FastMCP's server."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_context
from fastmcp.tools.base import Tool, ToolResult
from mcp_types import INVALID_REQUEST, PARSE_ERROR, TextContent, ToolAnnotations, jsonrpc_message_adapter
from mcp_types import Tool as ListedTool
from pydantic import PrivateAttr, ValidationError

from coderank import __version__
from coderank.errors import CoderankError
from coderank.serving.calls import Calls
from coderank.serving.instructions import INSTRUCTIONS, NAME
from coderank.serving.progress import fraction, words
from coderank.serving.tools import tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastmcp.utilities.versions import VersionSpec

    from coderank.serving.tools import ToolSpec
    from coderank.serving.workspace import Workspace
    from coderank.types import Progress

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)

log = logging.getLogger(__name__)


def server(workspace: Workspace, calls: Calls | None = None, *, per_collection: bool = False) -> Server:
    """Make the server; it is run by FastMCP, over whatever transport. To be called inside of its event loop.

    ``calls``: shared with other doors of the workspace, so that all wait in one line.
    """
    calls = calls or Calls(workspace.gate)
    offered = [_SpecTool.of(spec, workspace, calls) for spec in tools(workspace, per_collection=per_collection)]
    return Server(offered)


def refusal(line: bytes) -> bytes | None:
    """Answer a line of standard input that is no message; None for those that are one.

    The library drops such a line without a word, so that whoever waits for its answer waits for ever: an agent that
    cuts a text in the middle of an emoji sends half of a character, which no UTF-8 can hold.
    """
    text = line.decode("utf-8", "replace")
    try:
        jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError as error:
        broken = error.errors(include_url=False, include_input=False)[0]
    else:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    given = content.get("id") if isinstance(content, dict) and "method" in content else None
    if broken["type"] != "json_invalid":
        code, why = INVALID_REQUEST, "Invalid request: this is no message of JSON-RPC 2.0"
    elif content is None:
        code, why = PARSE_ERROR, f"Parse error: {broken['ctx']['error']}"
    else:
        code, why = PARSE_ERROR, "Parse error: half of a character (a lone surrogate). Send whole characters"
    sender = given if isinstance(given, str | int) and not isinstance(given, bool) else None
    return json.dumps({"jsonrpc": "2.0", "id": sender, "error": {"code": code, "message": why}}).encode()


class Server(FastMCP):
    """Lists and runs the tools, which are the same for every client and at any time.

    FastMCP would ask its providers and middleware for them, and a store of what each session may see: with each call
    0.5 ms, with the first one 0.2 s of loading that store's library.
    """

    def __init__(self, offered: Sequence[_SpecTool]) -> None:
        super().__init__(
            NAME,
            INSTRUCTIONS,
            version=__version__,
            tools=offered,
            mask_error_details=True,
            dereference_schemas=False,  # they have no references
        )
        self._offered = {tool.name: tool for tool in offered}

    async def list_tools(self, *, run_middleware: bool = True) -> Sequence[Tool]:  # noqa: ARG002 - there is none
        """List the tools."""
        return list(self._offered.values())

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        version: VersionSpec | None = None,  # noqa: ARG002 - each is there once
        run_middleware: bool = True,  # noqa: ARG002 - there is none
    ) -> ToolResult:
        """Run one of the tools."""
        tool = self._offered.get(name)
        if tool is None:
            raise ToolError(f"There is no tool {name!r}. There are: {', '.join(self._offered)}")
        async with Context(fastmcp=self):  # through which progress is told
            return await tool.run(arguments or {})


class _SpecTool(Tool):
    """One tool: checks its own arguments, and answers with text and structure."""

    _spec: ToolSpec = PrivateAttr()
    _workspace: Workspace = PrivateAttr()
    _calls: Calls = PrivateAttr()

    @classmethod
    def of(cls, spec: ToolSpec, workspace: Workspace, calls: Calls) -> _SpecTool:
        made = cls(name=spec.name, description=spec.description, parameters=spec.parameters, annotations=_READS)
        made._spec, made._workspace, made._calls = spec, workspace, calls
        return made

    def to_mcp_tool(self, **overrides: Any) -> ListedTool:
        # FastMCP would tell of tags that there are none, for which every agent pays.
        return super().to_mcp_tool(**overrides | {"_meta": None})

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        context = get_context()

        async def tell(progress: Progress) -> None:
            await context.report_progress(fraction(progress), 1.0, words(progress))

        try:
            reply = await self._calls.run(lambda call: self._spec.run(self._workspace, arguments, call), tell)
        except CoderankError as error:
            # An answer of the tool, not a failure of the server: the agent reads it and does what it says.
            raise ToolError(str(error)) from error
        except Exception as error:  # the protocol's boundary: an agent gets one line, the log all of it
            log.exception("%s failed", self.name)
            raise ToolError(f"{self.name} failed: {type(error).__name__}. The server's log says more") from error
        # As it is: the library would write it as JSON and read that again to see that it can be written.
        content = TextContent(type="text", text=reply.text)
        return ToolResult.model_construct(
            content=[content], structured_content=reply.structured, meta=None, is_error=False
        )
