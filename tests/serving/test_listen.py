"""The socket that the server listens on."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from coderank.errors import UsageError
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


@pytest.mark.parametrize("host", ["192.0.2.1", "no..host", "2001:db8::1"])
def test_a_host_that_is_not_ours_is_not_blamed_on_the_port(host: str) -> None:
    with pytest.raises(UsageError, match=f"Cannot listen on {host}:0") as refused:
        listen._bound(Address(host, 0))
    assert "address of this machine" in refused.value.remedy


def test_a_port_that_is_taken_is_named() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}") as refused:
            listen._bound(Address("127.0.0.1", port))
    assert refused.value.remedy == "Choose another port"
