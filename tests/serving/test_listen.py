"""The socket that the server listens on."""

from __future__ import annotations

import socket
from contextlib import closing

from coderank.serving import listen
from coderank.serving.guard import Address


def test_connections_send_at_once() -> None:
    with (
        closing(listen._bound(Address("127.0.0.1", 0))) as listening,
        closing(socket.create_connection(listening.getsockname())),
    ):
        accepted, _ = listening.accept()
        with closing(accepted):
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
