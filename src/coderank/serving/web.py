"""All addresses of the HTTP server: the JSON API, and beside it what speaks MCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from coderank.errors import CoderankError
from coderank.serving.api.problems import on_error, on_http_error, on_unexpected
from coderank.serving.api.routes import Api

if TYPE_CHECKING:
    from starlette.routing import Route
    from starlette.types import Lifespan

    from coderank.serving.calls import Calls
    from coderank.serving.metrics import MeasuredWorkspace


def application(
    workspace: MeasuredWorkspace,
    calls: Calls,
    *,
    mcp: Route | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """Put the addresses together; who may ask is decided before them.

    ``calls`` brings questions to the workspace; ``mcp`` is where that protocol is spoken, and ``lifespan`` runs it.
    """
    return Starlette(
        routes=[*Api(workspace, calls, workspace.metrics).routes(), *([mcp] if mcp else [])],
        exception_handlers={CoderankError: on_error, HTTPException: on_http_error, Exception: on_unexpected},
        lifespan=lifespan,
    )
