"""Stands before everything that a server offers over HTTP: who may ask, from where, and how much at once."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coderank.errors import ConfigurationError, UsageError
from coderank.serving.api.problems import problem, protocol_error

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 20
"""A hundred times the longest query."""
MIN_TOKEN_CHARS = 16
"""A shorter token is guessed."""
_SHOW_TOKEN = "Send that of CODERANK_SERVE_TOKEN: Authorization: Bearer TOKEN"  # noqa: S105 - says where it is
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def parsed(cls, text: str) -> Address:
        """Read ``HOST:PORT`` or ``[HOST]:PORT``. Raises UsageError."""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.netloc != text or "@" in text:
            raise UsageError(f"{text!r} is not HOST:PORT", "As in: coderank serve --http 127.0.0.1:8377")
        return cls(host, port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_any(self) -> bool:
        """Whether it stands for every address of this machine."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """Its beginning of a URL."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def checked_token(address: Address, token: str) -> str:
    """Return the token that clients have to show; empty for none.

    Raises ConfigurationError for an address that others can reach without one, and for one that can be guessed.
    """
    if token and len(token) < MIN_TOKEN_CHARS:
        raise ConfigurationError(
            f"CODERANK_SERVE_TOKEN has {len(token)} characters, fewer than {MIN_TOKEN_CHARS}",
            "Make one: openssl rand -hex 32",
        )
    if not token and not address.is_loopback:
        raise ConfigurationError(
            f"Others can reach {address.host}, and no token is set",
            "Set CODERANK_SERVE_TOKEN to a secret that clients send as a bearer token, or listen on 127.0.0.1",
        )
    return token


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why there is no answer."""

    status: int
    detail: str
    remedy: str


class Guard:
    """Refuses what has no business here, before anything reads it.

    A web page that a user visits can send requests to his own machine, and make its name mean that machine (DNS
    rebinding). Such a request names a host that is not ours, or comes from a page that is not ours.
    """

    def __init__(
        self,
        app: ASGIApp,
        address: Address,
        token: str = "",
        *,
        max_body: int = MAX_BODY_BYTES,
        spoken_at: str | None = None,
    ) -> None:
        """Take what stands behind, where it listens, and the token that clients have to show.

        ``spoken_at``: where MCP is spoken, whose clients show an error of that protocol alone.
        """
        self._app = app
        self._token = token
        self._url = address.url
        self._max_body = max_body
        self._spoken_at = spoken_at
        self._hosts = _LOOPBACK_NAMES | {address.host} if address.is_loopback else {address.host}
        self._any_host = address.is_any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with what is wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(_headers(scope))
        if refused is not None:
            await self._response(refused, scope)(scope, receive, send)
            return
        body = _Body(receive, send, self._max_body)
        try:
            await self._app(scope, body.receive, body.send)
        except _TooLongError:
            pass
        finally:
            if body.too_long and not body.answered:
                await self._response(self._too_long(), scope)(scope, receive, send)

    def _too_long(self) -> _Refusal:
        return _Refusal(413, f"The body has more than {self._max_body:,} bytes", "Send less")

    def _response(self, refused: _Refusal, scope: Scope) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == HTTPStatus.UNAUTHORIZED else None
        made = protocol_error if scope["path"].rstrip("/") == self._spoken_at else problem
        return made(refused.status, refused.detail, refused.remedy, headers=headers)

    def _refusal(self, headers: dict[str, str]) -> _Refusal | None:
        host = headers.get("host", "")
        if not self._any_host and _name(host) not in self._hosts:
            return _Refusal(421, "The Host header names another machine", f"Ask {self._url} by that name")
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin, host):
            return _Refusal(403, "Requests from web pages of other origins are not answered", "Ask from a program")
        if self._token and not _shows(headers.get("authorization", ""), self._token):
            return _Refusal(401, "The token is missing or wrong", _SHOW_TOKEN)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body:
            return self._too_long()
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        """Tell whether a page comes from this very server: same host, same port."""
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.netloc == host and origin == f"{parts.scheme}://{host}"


class _TooLongError(Exception):
    """A body without a length, or with a wrong one, went on too long."""


class _Body:
    """Counts what is read of a body. Once it is too long, nothing that is answered to it leaves."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self.answered = False

    @property
    def too_long(self) -> bool:
        return self._left < 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self.too_long:
                raise _TooLongError
        return message

    async def send(self, message: Message) -> None:
        if self.too_long and not self.answered:
            return
        self.answered = True
        await self._send(message)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        # Of two, proxies and servers may each believe another one: both together are the value of nobody.
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _shows(authorization: str, token: str) -> bool:
    scheme, _, shown = authorization.partition(" ")
    return hmac.compare_digest(shown.strip().encode(), token.encode()) and scheme.lower() == "bearer"
