"""Stands before every address of the HTTP server: who may ask at all, and how much may be sent.

A page in the user's browser can send requests to this machine. It cannot choose the headers that tell: ``Host`` is the
name it was led to (which DNS may have pointed here since), ``Origin`` is where it comes from.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coderank.serving.api.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1024 * 1024
"""Bytes of a request: a hundred times the longest query."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _TooLargeError(Exception):
    """More was sent than is read."""


class Guard:
    """Refuses what no client of this server sends. An ASGI middleware."""

    def __init__(self, app: ASGIApp, *, token: str = "", public: bool = False, max_body: int = MAX_BODY) -> None:
        """Take what is guarded.

        ``token``: what clients must show, empty for none; ``public``: whether the server is bound to other addresses
        than the loopback, so that its names are not known and the token decides.
        """
        self._app = app
        self._token = token.encode()
        self._public = public
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers)
        if refusal is not None:
            status, detail, remedy = refusal
            challenge = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
            await problem(status, detail, remedy, headers=challenge)(scope, receive, send)
            return
        await self._limited(scope, receive, send)

    def _refusal(self, headers: dict[str, str]) -> tuple[HTTPStatus, str, str] | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._public and _name(f"//{host}") not in _LOOPBACK:
            return HTTPStatus.FORBIDDEN, f"The host {host!r} is not served", "Use http://127.0.0.1 or http://localhost"
        if origin is not None and not self._is_own(origin, host):
            return HTTPStatus.FORBIDDEN, f"Pages of {origin!r} may not ask", "Ask from a program, not from a page"
        if self._token and not self._is_known(headers.get("authorization", "")):
            return HTTPStatus.UNAUTHORIZED, "The token is missing or wrong", "Send it: Authorization: Bearer TOKEN"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, *self._too_large()
        return None

    def _is_known(self, shown: str) -> bool:
        scheme, _, token = shown.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode("latin-1"), self._token)

    def _is_own(self, origin: str, host: str) -> bool:
        if self._public:
            return urlsplit(origin).netloc == host
        return _name(origin) in _LOOPBACK

    def _too_large(self) -> tuple[str, str]:
        return f"The request has more than {self._max_body} bytes", "Ask for less at once"

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes where no length was announced."""
        received, started = 0, False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body:
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLargeError:
            if not started:
                await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, *self._too_large())(scope, receive, send)


def _name(url: str) -> str:
    """The host of a URL, in lower case; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
