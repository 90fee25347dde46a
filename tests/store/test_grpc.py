"""The store over real gRPC: the key, the failures that are waited out, and the ones that are named at once.

That it does all that a store does is in the contract's own tests, which run over gRPC too.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.store.grpc_front import GrpcFront
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, point, unit

from coderank.errors import ServerUnavailableError, StoreError
from coderank.store import server_connection
from coderank.store.address import Address
from coderank.store.contract import Counts, StoreQuery
from coderank.store.ownership import Ownership
from coderank.store.server import ServerStore
from coderank.store.server_connection import Connection
from coderank.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coderank.types import Point

NAME = "code"
UPSERT = rf"PUT /collections/{NAME}/points$"
NEAREST = StoreQuery(unit(1), None, 5)


@pytest.fixture
def front(server: QdrantServer) -> Iterator[GrpcFront]:
    made = GrpcFront(server).start()
    yield made
    made.stop()


@pytest.fixture
def store(front: GrpcFront) -> Iterator[ServerStore]:
    made = store_at(front)
    yield made
    made.close()


def connection_to(front: GrpcFront, api_key: str = "", timeout_s: float = 30, patience: float = 20) -> Connection:
    address = Address(front.side.url, api_key=api_key, prefer_grpc=True, grpc_port=front.port, timeout_s=timeout_s)
    return Connection(address, read_patience=patience, write_patience=patience)


def store_at(front: GrpcFront, **how: float) -> ServerStore:
    return ServerStore(connection_to(front, **how), NAME, DIMENSION)  # type: ignore[arg-type]


def many(number: int = 1000) -> list[Point]:
    return [point(each, f"f{each % 9}.py") for each in range(1, number + 1)]


def test_nothing_is_asked_by_rest_where_grpc_answers(front: GrpcFront) -> None:
    connection = connection_to(front)
    store = ServerStore(connection, NAME, DIMENSION)
    store.upsert(many(10))
    assert len(store.query(NEAREST)) == 5
    assert connection.transport == "gRPC"
    assert len(front.calls) == len(front.side.lines)
    store.close()


def test_who_indexes_is_said_by_grpc_too(front: GrpcFront, store: ServerStore, tmp_path: Path) -> None:
    store.upsert(many(1))
    mine, another = (
        ServerStore(connection_to(front), NAME, DIMENSION, owned=Ownership(tmp_path / name, NAME)) for name in "ab"
    )
    mine.upsert(many(2))
    assert mine.counts().points == 2
    with pytest.raises(StoreError, match="is indexed by another index"):
        another.upsert(many(3))
    another.take_over()
    another.upsert(many(3))
    assert another.counts().points == 3
    assert "UpdateCollection" in front.calls
    for each in (mine, another):
        each.close()


FAULTS: dict[str, dict[str, object]] = {
    "busy": {"status": 503},
    "too many": {"status": 429},
    "too many, later": {"status": 429, "headers": {"Retry-After": "1"}},
    "too late": {"status": 408},
    "internal": {"status": 500, "message": "Service internal error: 1 of 2 replicas"},
    "gone": {"reset": "before"},
    "not acknowledged": {"reset": "after"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_goes_on_after_a_failure_that_passes(front: GrpcFront, store: ServerStore, fault: str) -> None:
    store.upsert(many(10))
    front.side.fail(UPSERT, times=2, **FAULTS[fault])
    began = time.monotonic()
    store.upsert(many())
    assert store.counts() == Counts(1000, 1000)
    assert front.side.count(UPSERT) == 1 + 4 + 2
    assert time.monotonic() - began >= (1.0 if "Retry-After" in str(FAULTS[fault]) else 0.0)


def test_a_restart_in_the_middle_of_an_upload_loses_and_doubles_nothing(front: GrpcFront, store: ServerStore) -> None:
    store.upsert(many(10))
    front.side.fail(UPSERT, reset="after", stop=True)
    restart = threading.Thread(target=_restarted, args=(front,))
    restart.start()
    store.upsert(many(2000))
    restart.join()
    assert store.counts() == Counts(2000, 2000)


def _restarted(front: GrpcFront) -> None:
    """Wait for the fault, leave the port closed for a while, and open it again."""
    while front.side.count(UPSERT) < 2:
        time.sleep(0.01)
    front.stop()
    time.sleep(0.5)
    front.start()


def test_patience_ends_with_one_clear_error(front: GrpcFront) -> None:
    store = store_at(front, patience=0.5)
    store.upsert(many(10))
    front.side.fail("query", times=1000, status=429, message="rate limit")
    with pytest.raises(ServerUnavailableError, match=r"too busy \(429\): rate limit"):
        store.query(NEAREST)
    front.stop()
    with pytest.raises(ServerUnavailableError, match="No Qdrant server answers by gRPC") as caught:
        store.query(NEAREST)
    assert "coderank doctor" in caught.value.remedy
    store.close()


def test_a_slow_server_is_named(front: GrpcFront) -> None:
    slow = store_at(front, timeout_s=1, patience=0.5)
    slow.upsert(many(10))
    front.side.fail("query", seconds=3)
    with pytest.raises(ServerUnavailableError, match="did not answer in time"):
        slow.query(NEAREST)
    slow.close()


def test_the_key_is_sent_along_and_a_wrong_one_is_named(front: GrpcFront) -> None:
    front.side.api_key = "secret-of-the-server"
    for key in ("", "my-wrong-key"):
        wrong = ServerStore(connection_to(front, key), NAME, DIMENSION)
        with pytest.raises(StoreError, match=r"refused the key \(401\)") as caught:
            wrong.upsert(many(1))
        assert "my-wrong-key" not in str(caught.value)
        wrong.close()
    right = ServerStore(connection_to(front, "secret-of-the-server"), NAME, DIMENSION)
    right.upsert(many(10))
    assert right.counts().points == 10
    right.close()


@pytest.mark.parametrize("said", ["C", "Rust"])
def test_a_batch_that_is_too_large_is_sent_in_parts(front: GrpcFront, said: str) -> None:
    """The front is gRPC in C and refuses by itself; a Qdrant server is gRPC in Rust, and has other words."""
    store = store_at(front, patience=5)
    store.upsert(many(1))
    if said == "C":
        front.stop()
        front.options = [("grpc.max_receive_message_length", 20_000)]
        front.start()
    else:
        words = "Error, decoded message length too large: found 84319 bytes, the limit is: 20000 bytes"
        front.side.fail(UPSERT, times=3, status=413, message=words)
    store.upsert(many(256))
    assert store.counts() == Counts(256, 256)
    assert front.side.count(UPSERT) > 4
    store.close()


def test_a_point_that_is_too_large_is_named(front: GrpcFront, store: ServerStore) -> None:
    store.upsert(many(1))
    front.stop()
    front.options = [("grpc.max_receive_message_length", 100)]
    front.start()
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"larger than the Qdrant server at .* takes: .*larger than max"):
        store.upsert(many(3))
    assert time.monotonic() - began < 5


def test_a_large_answer_is_taken(front: GrpcFront, store: ServerStore) -> None:
    """gRPC takes 4 MiB unless it is told otherwise; a page of large chunks is more."""
    points = many(1000)
    text = "x" * 6_000
    store.upsert(points)
    store.move({each.id: Chunk("big.py", 1, 1, "python", text) for each in points})
    assert sum(len(chunk.content) for chunk in store.chunks_of(["big.py"]).values()) == 6_000_000


def test_rest_is_taken_where_the_grpc_port_keeps_silent(server: QdrantServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a firewall that drops what it does not let through: who searches does not wait for long."""
    quick = {**server_connection.CHANNEL, "grpc.min_reconnect_backoff_ms": 500}
    monkeypatch.setattr(server_connection, "CHANNEL", quick)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        connection = Connection(Address(server.url, prefer_grpc=True, grpc_port=silent.getsockname()[1]))
        began = time.monotonic()
        assert (connection.version, connection.transport) == ((1, 20), "REST")
        assert time.monotonic() - began < 5
        connection.close()


def test_a_program_that_speaks_grpc_starts_others_and_says_nothing(front: GrpcFront) -> None:
    """GRPC watches over forks, and reports on them to a terminal where it likes to."""
    asked = (
        "import subprocess, sys\n"
        "from coderank.store.address import Address\n"
        "from coderank.store.server_connection import Connection\n"
        f"connection = Connection(Address({front.side.url!r}, prefer_grpc=True, grpc_port={front.port}))\n"
        "print(connection.version, connection.transport)\n"
        "subprocess.run([sys.executable, '-c', ''], check=True, start_new_session=True)\n"
        "connection.close()\n"
    )
    command = [sys.executable, "-W", "error", "-c", asked]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("(1, 20) gRPC\n", "", 0)
