"""The store on a server that fails: what is waited out, what is said, and that no point is lost or doubled."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.store.grpc_front import GrpcFront
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, corpus, id_of, point, sparse, unit

from coderank.errors import ConfigurationError, IndexIncompatibleError, ServerUnavailableError, StoreError
from coderank.store.address import Address
from coderank.store.contract import Counts, StoreQuery
from coderank.store.fingerprint import FORMAT, Fingerprint
from coderank.store.quantization import Quantization
from coderank.store.server import ServerStore
from coderank.store.server_connection import Connection
from coderank.store.server_names import aliases, delete_collection, drop_alias, point_alias, resolve
from coderank.store.server_requests import Plan, quantization_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.types import Point

NAME = "code"
UPSERT = rf"PUT /collections/{NAME}/points$"


@pytest.fixture
def store(server: QdrantServer) -> Iterator[ServerStore]:
    made = ServerStore(Connection(Address(server.url)), NAME, DIMENSION)
    yield made
    made.close()


def store_on(server: QdrantServer, read_patience: float = 1, write_patience: float = 1, **how: object) -> ServerStore:
    connection = Connection(Address(server.url), read_patience=read_patience, write_patience=write_patience)
    return ServerStore(connection, NAME, DIMENSION, **how)  # type: ignore[arg-type]


def many(number: int = 1000) -> list[Point]:
    return [point(each, f"f{each % 9}.py") for each in range(1, number + 1)]


FAULTS: dict[str, dict[str, object]] = {
    "busy": {"status": 503},
    "too many": {"status": 429},
    "too many, later": {"status": 429, "headers": {"Retry-After": "1"}},
    "too many, some day": {"status": 429, "headers": {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}},
    "gateway": {"status": 502, "message": "x"},
    "internal": {"status": 500, "message": "Service internal error: 1 of 2 replicas"},
    "reset": {"reset": "before"},
    "not acknowledged": {"reset": "after"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_goes_on_after_a_failure_that_passes(server: QdrantServer, store: ServerStore, fault: str) -> None:
    store.upsert(many(10))
    server.fail(UPSERT, times=2, **FAULTS[fault])
    store.upsert(many())
    assert store.counts() == Counts(1000, 1000)
    assert server.count(UPSERT) == 1 + 4 + 2


def test_a_restart_in_the_middle_of_an_upload_loses_and_doubles_nothing(
    server: QdrantServer, store: ServerStore
) -> None:
    store.upsert(many(10))
    server.fail(UPSERT, reset="after", stop=True)
    threading.Timer(1.0, server.start).start()
    store.upsert(many(2000))
    assert store.counts() == Counts(2000, 2000)


def test_a_busy_server_is_left_alone_as_long_as_it_asked(server: QdrantServer, store: ServerStore) -> None:
    store.upsert(many(10))
    server.fail(UPSERT, status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    store.upsert(many(10))
    assert time.monotonic() - began >= 1.0


def test_patience_ends_with_one_clear_error(server: QdrantServer) -> None:
    store = store_on(server)
    store.upsert(many(10))
    server.fail("points", times=1000, status=503, message="optimizing")
    for ask in (lambda: store.upsert(many(10)), store.counts, lambda: store.query(StoreQuery(unit(1), None, 5))):
        began = time.monotonic()
        with pytest.raises(ServerUnavailableError, match=r"too busy \(503\): optimizing"):
            ask()
        assert time.monotonic() - began < 3
    store.close()


def test_a_search_waits_out_a_moment(server: QdrantServer, store: ServerStore) -> None:
    store.upsert(many(10))
    server.fail("query", status=503)
    assert len(store.query(StoreQuery(unit(1), sparse(t1=1.0), 5, lexical_weight=0.1))) == 5


def test_a_slow_server_is_named(server: QdrantServer) -> None:
    slow = ServerStore(Connection(Address(server.url, timeout_s=1), read_patience=0.5), NAME, DIMENSION)
    slow.upsert(many(10))
    server.fail("query", seconds=3)
    with pytest.raises(ServerUnavailableError, match="did not answer in time"):
        slow.query(StoreQuery(unit(1), None, 5))
    slow.close()


def test_a_server_that_is_down_is_named_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(ServerUnavailableError, match=url) as caught:
        ServerStore(Connection(Address(url)), NAME, DIMENSION).counts()
    assert time.monotonic() - began < 5
    assert "coderank doctor" in caught.value.remedy


def test_a_wrong_key_is_named_and_not_shown(server: QdrantServer) -> None:
    server.api_key = "secret-of-the-server"
    for key in ("", "my-wrong-key"):
        connection = Connection(Address(server.url, api_key=key))
        with pytest.raises(StoreError, match="refused the key") as caught:
            ServerStore(connection, NAME, DIMENSION).upsert(many(1))
        assert "my-wrong-key" not in str(caught.value) + repr(Address(server.url, api_key=key))
        connection.close()
    right = ServerStore(Connection(Address(server.url, api_key="secret-of-the-server")), NAME, DIMENSION)
    right.upsert(many(10))
    assert right.counts().points == 10
    right.close()


@pytest.mark.parametrize(("version", "said"), [("1.15.4", "1.16 or newer is"), ("0.11.0", "1.16"), ("what", "what")])
def test_an_old_server_is_refused(version: str, said: str) -> None:
    server = QdrantServer(version=version).start()
    with pytest.raises(StoreError, match=said):
        store_on(server).counts()
    server.stop()


def test_a_feature_that_a_server_lacks_is_named() -> None:
    server = QdrantServer(version="1.17.2").start()
    turbo, scalar = Plan(quantization=Quantization("turbo")), Plan(quantization=Quantization("scalar"))
    with pytest.raises(StoreError, match=r"is 1.17; TurboQuant came with 1.18"):
        store_on(server, plan=turbo).upsert(many(1))
    store = store_on(server, plan=scalar)
    store.upsert(many(1))
    assert store.counts().points == 1
    store.close()
    server.stop()


def test_a_plain_web_server_is_not_taken_for_one(server: QdrantServer) -> None:
    server.version = ""
    with pytest.raises(StoreError, match="version"):
        store_on(server).counts()


def test_grpc_falls_back_to_rest_where_its_port_is_closed(server: QdrantServer) -> None:
    connection = Connection(Address(server.url, prefer_grpc=True))
    store = ServerStore(connection, NAME, DIMENSION)
    store.upsert(many(10))
    assert (store.counts(), connection.transport) == (Counts(10, 10), "REST")
    store.close()


def test_a_batch_that_is_too_large_is_sent_in_parts(server: QdrantServer, store: ServerStore) -> None:
    server.max_request_bytes = 20_000
    store.upsert(many(300))
    assert store.counts() == Counts(300, 300)
    server.max_request_bytes = 100
    with pytest.raises(StoreError, match="larger than the Qdrant server"):
        store.upsert(many(3))


def test_at_most_four_requests_are_in_flight(server: QdrantServer, store: ServerStore) -> None:
    store.upsert(many(10))
    running, most, mutex = 0, 0, threading.Lock()
    answer = server.answer

    def counted(method: str, path: str, body: dict[str, object]) -> object:
        nonlocal running, most
        with mutex:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        try:
            return answer(method, path, body)
        finally:
            with mutex:
                running -= 1

    server.answer = counted  # type: ignore[method-assign]
    store.upsert(many(1500))
    assert 1 < most <= 4


def test_the_last_of_two_points_with_one_id_wins_across_batches(store: ServerStore) -> None:
    store.upsert([*many(900), point(1, "last.py")])
    assert store.retrieve([id_of(1)])[id_of(1)].path == "last.py"
    assert store.counts().points == 900


def test_a_point_that_goes_while_vectors_are_attached_is_ignored(server: QdrantServer, store: ServerStore) -> None:
    store.upsert([point(number, dense=False) for number in (1, 2)])
    other = store_on(server)
    answer = server.answer

    def deleting(method: str, path: str, body: dict[str, object]) -> object:
        if path.endswith("/points/vectors"):
            server.answer = answer  # type: ignore[method-assign]
            other.delete([id_of(1)])
        return answer(method, path, body)

    server.answer = deleting  # type: ignore[method-assign]
    store.set_dense([id_of(1), id_of(2)], corpus(2)[1].dense[None].repeat(2, 0))  # type: ignore[index]
    assert store.counts() == Counts(1, 1)
    other.close()


def test_a_collection_is_made_as_planned(server: QdrantServer) -> None:
    bodies: list[dict[str, object]] = []
    answer = server.answer

    def noting(method: str, path: str, body: dict[str, object]) -> object:
        if (method, path) == ("PUT", f"/collections/{NAME}"):
            bodies.append(body)
        return answer(method, path, body)

    server.answer = noting  # type: ignore[method-assign]
    plan = Plan(
        quantization=Quantization("binary", 1.5, query_encoding="scalar8bits", oversampling=3),
        on_disk=True,
        shard_number=6,
        replication_factor=2,
        write_consistency_factor=2,
    )
    store = store_on(server, plan=plan)
    store.upsert(many(1))
    (body,) = bodies
    assert {key: body[key] for key in ("shard_number", "replication_factor", "write_consistency_factor")} == {
        "shard_number": 6,
        "replication_factor": 2,
        "write_consistency_factor": 2,
    }
    dense = body["vectors"]["dense"]  # type: ignore[index]
    assert (dense["size"], dense["distance"], dense["on_disk"]) == (DIMENSION, "Cosine", True)
    assert dense["quantization_config"]["binary"] == {
        "always_ram": True,
        "encoding": "one_and_half_bits",
        "query_encoding": "scalar8bits",
    }
    assert body["sparse_vectors"]["lexical"]["modifier"] == "idf"  # type: ignore[index]
    assert server.indexes_of(NAME) == {"path", "language", "defines"}
    store.close()


def test_making_a_collection_is_completed_where_it_was_interrupted(server: QdrantServer) -> None:
    first = store_on(server, write_patience=0.2)
    server.fail(rf"PUT /collections/{NAME}/index", times=100, status=503)
    with pytest.raises(ServerUnavailableError):
        first.upsert(many(1))
    server.faults.clear()
    second = store_on(server)
    second.upsert(many(1))
    assert server.indexes_of(NAME) == {"path", "language", "defines"}


@pytest.mark.parametrize("kind", ["none", "scalar", "binary", "turbo"])
def test_every_quantization_can_be_described(kind: str) -> None:
    described = quantization_config(Quantization(kind))  # type: ignore[arg-type]
    assert (described is None) == (kind == "none")


def fingerprint(model: str) -> Fingerprint:
    return Fingerprint(FORMAT, model, "1", DIMENSION, "1", "1")


def test_a_collection_of_another_model_is_refused(server: QdrantServer) -> None:
    store_on(server, fingerprint=fingerprint("a")).upsert(many(1))
    assert store_on(server, fingerprint=fingerprint("a")).counts().points == 1
    other = store_on(server, fingerprint=fingerprint("b"))
    for ask in (other.counts, lambda: other.upsert(many(1))):
        with pytest.raises(IndexIncompatibleError, match=r"were made with a .*not with b"):
            ask()


def test_a_collection_of_another_dimension_is_refused(server: QdrantServer) -> None:
    store_on(server).upsert(many(1))
    with pytest.raises(IndexIncompatibleError, match="16 numbers, those of the model 24"):
        ServerStore(Connection(Address(server.url)), NAME, 24).counts()


def test_a_collection_that_others_made_is_neither_written_nor_deleted(server: QdrantServer, store: ServerStore) -> None:
    store.upsert(many(5))
    server.local.collections[NAME].config.metadata = None
    fresh = store_on(server)
    assert fresh.counts().points == 5
    with pytest.raises(StoreError, match="not made by coderank, and is not written to"):
        fresh.upsert(many(1))
    with pytest.raises(StoreError, match="not made by coderank, and is not written to"):
        fresh.delete([id_of(1)])
    with pytest.raises(StoreError, match="not made by coderank, and is not deleted"):
        fresh.erase()
    assert fresh.counts().points == 5


def test_erase_deletes_what_coderank_made_and_then_calls_back(store: ServerStore) -> None:
    store.upsert(many(5))
    said: list[bool] = []
    store.erase(then=lambda: said.append(store.exists))
    assert (said, store.counts()) == ([False], Counts(0, 0))


def test_a_switched_alias_is_followed_and_never_mixes(server: QdrantServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coderank.store.server.LOOK_AGAIN_S", 0.2)
    connection = Connection(Address(server.url))
    for name, model in (("one", "a"), ("two", "b")):
        made = ServerStore(connection, name, DIMENSION, fingerprint=fingerprint(model))
        made.upsert(many(3 if name == "one" else 4))
    point_alias(connection, NAME, "one")
    reader = store_on(server, fingerprint=fingerprint("a"))
    assert reader.counts().points == 3
    point_alias(connection, NAME, "two")
    assert reader.counts().points == 3, "the old one answers for a moment"
    time.sleep(0.25)
    with pytest.raises(IndexIncompatibleError, match=r"were made with b .*not with a"):
        reader.counts()
    assert store_on(server, fingerprint=fingerprint("b")).counts().points == 4
    connection.close()


def test_a_collection_dropped_behind_a_switched_alias_is_not_missed(server: QdrantServer) -> None:
    connection = Connection(Address(server.url))
    for name in ("one", "two"):
        ServerStore(connection, name, DIMENSION).upsert(many(3 if name == "one" else 4))
    point_alias(connection, NAME, "one")
    reader = store_on(server)
    assert reader.counts().points == 3
    point_alias(connection, NAME, "two")
    delete_collection(connection, "one")
    assert reader.counts().points == 4
    connection.close()


def test_names_are_resolved_by_their_aliases(server: QdrantServer, store: ServerStore) -> None:
    store.upsert(many(1))
    connection = Connection(Address(server.url))
    assert (resolve(connection, NAME), resolve(connection, "none")) == (NAME, None)
    with pytest.raises(StoreError, match="cannot be an alias"):
        point_alias(connection, NAME, NAME)
    ServerStore(connection, "code--b-1", DIMENSION).upsert(many(2))
    point_alias(connection, f"{NAME}.live", "code--b-1")
    assert resolve(connection, NAME) == "code--b-1"
    drop_alias(connection, f"{NAME}.live")
    drop_alias(connection, f"{NAME}.live")
    assert (resolve(connection, NAME), aliases(connection)) == (NAME, {})
    connection.close()


def test_a_key_for_one_collection_needs_no_aliases(server: QdrantServer) -> None:
    server.fail("GET /aliases", times=1000, status=403, message="Global access is required")
    store = store_on(server)
    store.upsert(many(3))
    assert store.counts().points == 3


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("localhost:6333", "", "not the URL"),
        ("ftp://localhost", "", "not the URL"),
        ("https://", "", "not the URL"),
        ("https://me:secret@qdrant.example.com", "", "holds a password"),
        ("http://qdrant.example.com:6333", "k", "in the clear"),
        ("http://8.8.8.8:6333", "k", "in the clear"),
    ],
)
def test_addresses_that_cannot_or_must_not_be(url: str, key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Address(url, api_key=key)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://qdrant:6333", "http://10.1.2.3", "http://[::1]:6333", "https://a.example.com"])
def test_keys_go_to_private_networks_and_over_tls(url: str) -> None:
    assert Address(url, api_key="k").api_key == "k"


@pytest.mark.parametrize("grpc", [False, True])
def test_a_proxy_sees_nothing_of_what_stays_near(
    server: QdrantServer, monkeypatch: pytest.MonkeyPatch, grpc: bool
) -> None:
    front, proxy = GrpcFront(server).start(), QdrantServer().start()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    server.api_key = "k"
    connection = Connection(Address(server.url, api_key="k", prefer_grpc=grpc, grpc_port=front.port))
    store = ServerStore(connection, NAME, DIMENSION)
    store.upsert(many(3))
    assert (store.counts().points, connection.transport) == (3, "gRPC" if grpc else "REST")
    assert proxy.lines == []
    store.close()
    proxy.stop()
    front.stop()


def test_a_certificate_that_nobody_trusts_is_named(server: QdrantServer) -> None:
    url = server.url.replace("http://", "https://")  # answers in plain text: no TLS at all
    with pytest.raises(StoreError, match=url):
        ServerStore(Connection(Address(url)), NAME, DIMENSION).counts()
