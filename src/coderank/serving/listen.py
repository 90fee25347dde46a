"""Runs a server: over the standard streams for one agent, over HTTP for many. Ends in order, whoever ends it."""

from __future__ import annotations

import errno
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.routing import Route

from coderank.errors import UsageError
from coderank.serving.calls import Calls
from coderank.serving.guard import Address, Guard
from coderank.serving.mcp import server
from coderank.serving.web import application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from coderank.serving.desk import Desk
    from coderank.serving.metrics import MeasuredWorkspace
    from coderank.serving.workspace import Workspace

PATH = "/mcp"
"""Where the protocol is spoken."""
GRACE_S = 3
"""How long requests may finish after the server was told to end."""
CONNECTIONS = 1_024
"""Beyond this many, connections are refused: each takes about 50 KB."""
BACKLOG = 256
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
        spoken = server(workspace, calls, per_collection=per_collection).http_app(PATH, host_origin_protection=False)
        app = application(workspace, calls, mcp=Route(PATH, spoken), lifespan=spoken.lifespan)
        config = uvicorn.Config(
            Guard(app, bound, token),
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
        await uvicorn.Server(config).serve([listening])

    # Uvicorn ends in order at the signal, then raises it again for who was there before: for nobody, here.
    with _told_to_end(lambda: None):
        anyio.run(serve)


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
