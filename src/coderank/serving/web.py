"""All addresses of the HTTP server: the JSON API, and beside it what speaks MCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from coderank.errors import CoderankError
from coderank.serving.api.problems import on_error, on_http_error, on_unexpected
from coderank.serving.api.routes import Api

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Lifespan

    from coderank.serving.metrics import MeasuredWorkspace


def application(
    workspace: MeasuredWorkspace, *, mcp: ASGIApp | None = None, lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """Put the addresses together; who may ask is decided before them.

    ``mcp`` answers every address that the API has not, and ``lifespan`` is what it needs to run.
    """
    return Starlette(
        routes=[*Api(workspace, workspace.metrics).routes(), *([Mount("/", mcp)] if mcp else [])],
        exception_handlers={CoderankError: on_error, HTTPException: on_http_error, Exception: on_unexpected},
        lifespan=lifespan,
    )
