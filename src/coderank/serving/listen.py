"""Runs a server: over the standard streams for one agent, over HTTP for many. Ends in order, whoever ends it."""

from __future__ import annotations

import errno
import signal
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.routing import Route

from coderank.errors import UsageError
from coderank.serving.calls import Calls
from coderank.serving.guard import Address, Guard
from coderank.serving.mcp import Server, server
from coderank.serving.web import application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import FrameType

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

    from coderank.serving.desk import Desk
    from coderank.serving.metrics import MeasuredWorkspace
    from coderank.serving.workspace import Workspace

PATH = "/mcp"
"""Where the protocol is spoken."""
GRACE_S = 3
"""How long requests may finish after the server was told to end."""
CONNECTIONS = 1_024
"""Beyond this many, a request is answered with a bare 503: each takes about 50 KB."""
BACKLOG = 256
MAX_SESSIONS = 1_024
"""Conversations that older versions of the protocol keep open at one time: as many as there may be connections."""
SESSION_IDLE_S = 1_800.0
"""How long one stays open in which nobody asks or listens: agents wait for their users, and few say good-bye."""
_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)
"""Somebody has it, or only others may have it. Else there is no such host, or it is another machine."""


def serve_streams(workspace: Workspace, desk: Desk, *, per_collection: bool = False) -> None:
    """Speak the protocol over standard input and output until the client closes them, or the process is told to end."""

    async def serve() -> None:
        made = server(workspace, per_collection=per_collection)
        workspace.warm_up()
        await made.run_async("stdio", show_banner=False)

    with _told_to_end(desk.hang_up):
        anyio.run(serve)


def serve_http(
    workspace: MeasuredWorkspace,
    address: Address,
    token: str,
    ready: Callable[[Address], None],
    *,
    per_collection: bool = False,
) -> None:
    """Listen until the process is told to end; ``ready`` gets the address, its port known.

    Raises UsageError where that address cannot be had.
    """
    listening = _bound(address)
    bound = Address(address.host, listening.getsockname()[1])

    async def serve() -> None:
        calls = Calls(workspace.gate)
        spoken = over_http(server(workspace, calls, per_collection=per_collection))
        app = application(workspace, calls, mcp=Route(PATH, spoken.app), lifespan=spoken.lifespan)
        streams = Streams(Guard(app, bound, token, spoken_at=PATH))
        config = uvicorn.Config(
            streams,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
        )
        workspace.warm_up()
        ready(bound)
        await _Server(config, streams).serve([listening])

    # Uvicorn ends in order at the signal, then raises it again for who was there before: for nobody, here.
    with _told_to_end(lambda: None):
        anyio.run(serve)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What speaks the protocol over HTTP, and what runs it."""

    app: ASGIApp
    lifespan: Lifespan[Starlette]


def over_http(made: Server) -> Spoken:
    """Speak over HTTP, in a bounded number of sessions."""
    app = made.http_app(PATH, host_origin_protection=False, session_idle_timeout=SESSION_IDLE_S)

    @asynccontextmanager
    async def lifespan(starlette: Starlette) -> AsyncIterator[None]:
        async with app.lifespan(starlette):
            for route in app.routes:
                # FastMCP makes its manager of sessions here, with the SDK's limit of 10,000, and takes no other one.
                route.endpoint.session_manager.max_sessions = MAX_SESSIONS  # type: ignore[attr-defined]
            yield

    return Spoken(app, lifespan)


class Streams:
    """Stands before an application whose answer to some GET requests goes on until the client has had enough."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application. To be made inside of the event loop that uses it."""
        self._app = app
        self._ended = anyio.Event()

    def end(self) -> None:
        """Let every stream end, those that begin later too."""
        self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and complete its answer when all end."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        open_ended = False

        async def sent(message: Message) -> None:
            nonlocal open_ended
            if message["type"] == "http.response.start":
                open_ended = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            elif not message.get("more_body", False):
                open_ended = False
            await send(message)

        async with anyio.create_task_group() as group:

            async def stop() -> None:
                await self._ended.wait()
                if open_ended:
                    group.cancel_scope.cancel()

            group.start_soon(stop)
            await self._app(scope, receive, sent)
            group.cancel_scope.cancel()
        if open_ended:  # a client that has gone is told nothing by this
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Server(uvicorn.Server):
    """Ends the streams of events first: they would never end by themselves, and be cut off after the grace."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.end()
        await super().shutdown(sockets)


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listening = socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"Cannot listen on {address.host}:{address.port}: {reason}", _remedy(error)) from error
    # An answer is a head and a body, and the body would wait 40 ms for the head's acknowledgement. asyncio prevents
    # that only for sockets that name their protocol, which this one does not; connections inherit it from here.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _remedy(error: Exception) -> str:
    if isinstance(error, OverflowError) or getattr(error, "errno", None) in _OF_THE_PORT:
        return "Choose another port"
    return "Name an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has"


@contextmanager
def _told_to_end(end: Callable[[], None]) -> Iterator[None]:
    """Call ``end`` when the process is told to end or interrupted, instead of what happens else."""

    def told(_number: int, _frame: FrameType | None) -> None:
        end()

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
