"""Errors as HTTP has them: a status, and the message and remedy that a terminal shows too."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from coderank.errors import (
    CoderankError,
    ConfigurationError,
    IndexBusyError,
    InvalidQueryError,
    PathNotFoundError,
    UsageError,
)
from coderank.serving.api.messages import Problem
from coderank.serving.asking import NotReadyError
from coderank.serving.follow import CancelledError
from coderank.serving.gate import RETRY_AFTER_S, OverloadedError
from coderank.serving.targets import UnknownCollectionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

STATUS: tuple[tuple[type[CoderankError], HTTPStatus], ...] = (
    (OverloadedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotReadyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (IndexBusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (CancelledError, HTTPStatus.REQUEST_TIMEOUT),
    (UnknownCollectionError, HTTPStatus.NOT_FOUND),
    (PathNotFoundError, HTTPStatus.NOT_FOUND),
    (InvalidQueryError, HTTPStatus.BAD_REQUEST),
    (ConfigurationError, HTTPStatus.CONFLICT),
    (UsageError, HTTPStatus.BAD_REQUEST),
    (CoderankError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The first that fits. A conflict: what is asked for can be asked, and this server is not set up for it."""
MEDIA_TYPE = "application/problem+json"
INVALID_REQUEST = -32600
"""What JSON-RPC calls a message that is not looked at further."""


def problem(status: int, detail: str, remedy: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """Make a response that says why there is no answer."""
    sent = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent.setdefault("Retry-After", str(RETRY_AFTER_S))
    said = Problem(HTTPStatus(status).phrase, int(status), detail, remedy)
    return Response(msgspec.json.encode(said), status, sent, MEDIA_TYPE)


def protocol_error(status: int, detail: str, remedy: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """Make the same response for clients of MCP, which show nothing of one that is no message of JSON-RPC."""
    error = {"code": INVALID_REQUEST, "message": str(CoderankError(detail, remedy))}
    content = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
    return Response(content, status, headers, "application/json")


async def on_error(_: Request, error: Exception) -> Response:
    """Answer an error that coderank raised on purpose."""
    assert isinstance(error, CoderankError)
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    return problem(status, error.message, error.remedy)


async def on_http_error(_: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown address, another method."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, "GET /openapi.json describes what there is", headers=error.headers)


async def on_unexpected(_: Request, error: Exception) -> Response:
    """Answer what nobody foresaw; the server logs the traceback."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"unexpected {type(error).__name__}", "The server's log says more")
