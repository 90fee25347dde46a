"""The store over real TLS: whose certificate is trusted, what is said of one that is not, and what crosses the wire."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import trustme
from tests.store.grpc_front import GrpcFront
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, chunk, id_of, point

from coderank.collections.config import Collection, Server
from coderank.errors import ConfigurationError, ServerUnavailableError, StoreError
from coderank.loading.servers import connect
from coderank.settings import Settings
from coderank.store.address import Address, Certificates
from coderank.store.contract import Counts
from coderank.store.server import ServerStore
from coderank.store.server_connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustme import CA, LeafCert

HERE = "127.0.0.1"
KEY = "the-key-of-the-server"
UPSERT = r"PUT /collections/code/points$"


@pytest.fixture(scope="module")
def authority() -> CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return file


@pytest.fixture
def serve() -> Iterator[Callable[..., QdrantServer]]:
    """Start a server with this certificate, which asks for one that ``clients`` signed if it is given."""
    running: list[QdrantServer] = []

    def start(leaf: LeafCert, clients: CA | None = None) -> QdrantServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        if clients:
            clients.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        running.append(QdrantServer(api_key=KEY, tls=context).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


def front_of(server: QdrantServer, leaf: LeafCert, clients: CA | None = None) -> GrpcFront:
    pair = (leaf.private_key_pem.bytes(), b"".join(each.bytes() for each in leaf.cert_chain_pems))
    roots = clients.cert_pem.bytes() if clients else None
    return GrpcFront(
        server, grpc.ssl_server_credentials([pair], roots, require_client_auth=clients is not None)
    ).start()


def store_at(server: QdrantServer, certificates: Certificates, *, grpc_port: int = 0, **patience: float) -> ServerStore:
    address = Address(server.url, KEY, prefer_grpc=grpc_port > 0, grpc_port=grpc_port or 1, certificates=certificates)
    return ServerStore(Connection(address, **patience), "code", DIMENSION)


def test_an_authority_of_ones_own_is_trusted_by_rest_and_by_grpc(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path
) -> None:
    leaf = authority.issue_cert(HERE)
    server = serve(leaf)
    front = front_of(server, leaf)
    for port in (0, front.port):
        store = store_at(server, Certificates(trusted), grpc_port=port)
        store.upsert([point(1), point(2)])
        assert store.counts() == Counts(2, 2)
        store.close()
    assert {"UpsertPoints", "CountPoints"} <= set(front.calls)
    front.stop()


@pytest.mark.parametrize("named", ["in the configuration", "in the environment"])
def test_the_authority_is_named_in_the_configuration_or_the_environment(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path, tmp_path: Path, named: str
) -> None:
    server = serve(authority.issue_cert(HERE))
    environment = {"CODERANK_DATA_DIR": str(tmp_path), "QDRANT_URL": server.url, "QDRANT_API_KEY": KEY}
    store = Server(ca_file=str(trusted) if named == "in the configuration" else "")
    if not store.ca_file:
        environment["SSL_CERT_FILE"] = str(trusted)
    connection = connect(Collection(name="code", store=store), Settings.from_environment(environment))
    assert connection.version == (1, 20)
    connection.close()


YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def unknown(authority: CA) -> LeafCert:
    return trustme.CA().issue_cert(HERE)


def expired(authority: CA) -> LeafCert:
    return authority.issue_cert(HERE, not_before=YESTERDAY - timedelta(days=9), not_after=YESTERDAY)


def early(authority: CA) -> LeafCert:
    return authority.issue_cert(
        HERE, not_before=YESTERDAY + timedelta(days=9), not_after=YESTERDAY + timedelta(days=99)
    )


def of_another_name(authority: CA) -> LeafCert:
    return authority.issue_cert("qdrant.example.com")


@pytest.mark.parametrize(
    ("made", "said", "remedy"),
    [
        (unknown, "is not trusted: .*issuer certificate", "store.ca_file"),
        (expired, "is not valid today: .*has expired", "Renew"),
        (early, "is not valid today: .*not yet valid", "clock"),
        (of_another_name, "is another server's: .*IP address mismatch", "Name the server as its certificate does"),
    ],
)
def test_a_certificate_that_does_not_fit_is_named_and_nothing_is_sent(
    serve: Callable[..., QdrantServer],
    authority: CA,
    trusted: Path,
    made: Callable[[CA], LeafCert],
    said: str,
    remedy: str,
) -> None:
    leaf = made(authority)
    server = serve(leaf)
    front = front_of(server, leaf)
    for port in (0, front.port):
        with pytest.raises(StoreError, match=said) as caught:
            store_at(server, Certificates(trusted), grpc_port=port).counts()
        assert remedy in caught.value.remedy
        assert not isinstance(caught.value, ServerUnavailableError)
    assert (server.lines, front.calls) == ([], [])
    front.stop()


def test_a_refused_handshake_is_one_error_and_prints_nothing(serve: Callable[..., QdrantServer], authority: CA) -> None:
    """GRPC has a log of its own, and writes to the terminal."""
    leaf = authority.issue_cert(HERE)
    server = serve(leaf)
    front = front_of(server, leaf)
    asked = (
        "from coderank.errors import StoreError\n"
        "from coderank.store.address import Address\n"
        "from coderank.store.server_connection import Connection\n"
        f"connection = Connection(Address({server.url!r}, prefer_grpc=True, grpc_port={front.port}))\n"
        "try:\n    connection.version\n"
        "except StoreError as error:\n    print(error.message)\n"
    )
    ran = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=60)
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert "is not trusted" in ran.stdout
    front.stop()


def test_only_the_public_authorities_are_trusted_unless_another_is_named(
    serve: Callable[..., QdrantServer], authority: CA
) -> None:
    with pytest.raises(StoreError, match="is not trusted"):
        store_at(serve(authority.issue_cert(HERE)), Certificates()).counts()


def test_a_server_that_speaks_no_tls_is_named() -> None:
    server = QdrantServer().start()
    plain = Connection(Address(server.url.replace("http://", "https://")))
    with pytest.raises(StoreError, match="does not speak TLS") as caught:
        ServerStore(plain, "code", DIMENSION).counts()
    assert "http://" in caught.value.remedy
    server.stop()


@pytest.fixture
def shown(tmp_path: Path) -> tuple[CA, Certificates]:
    """Whom a server lets in, and a certificate that it knows, in two files."""
    clients = trustme.CA()
    leaf = clients.issue_cert("indexer@example.com")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "client.key")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    return clients, Certificates(client=tmp_path / "client.pem", client_key=tmp_path / "client.key")


def test_a_server_may_ask_for_a_certificate_of_the_client(
    serve: Callable[..., QdrantServer],
    authority: CA,
    trusted: Path,
    shown: tuple[CA, Certificates],
    tmp_path: Path,
) -> None:
    leaf, (clients, own) = authority.issue_cert(HERE), shown
    server = serve(leaf, clients)
    front = front_of(server, leaf, clients)
    one_file = Certificates(trusted, tmp_path / "both.pem")
    for certificates in (replace(own, authority=trusted), one_file):
        for port in (0, front.port):
            store = store_at(server, certificates, grpc_port=port)
            store.upsert([point(1)])
            assert store.counts() == Counts(1, 1)
            store.close()
    assert front.calls.count("UpsertPoints") == 2
    with pytest.raises(StoreError, match="asks for a certificate that it knows") as caught:
        store_at(server, Certificates(trusted), grpc_port=front.port).counts()
    assert "store.client_cert_file" in caught.value.remedy
    front.stop()


def test_files_that_are_of_no_use_are_named(trusted: Path, shown: tuple[CA, Certificates], tmp_path: Path) -> None:
    _, own = shown
    (tmp_path / "empty.pem").write_text("")
    missing, empty = tmp_path / "none.pem", tmp_path / "empty.pem"
    for certificates, named in (
        (Certificates(missing), missing),
        (Certificates(empty), empty),
        (Certificates(tmp_path), tmp_path),
        (replace(own, client=missing), missing),
        (replace(own, client_key=empty), own.client),
        (replace(own, client_key=trusted), own.client),
    ):
        for prefer_grpc in (False, True):
            address = Address("https://127.0.0.1:1", prefer_grpc=prefer_grpc, grpc_port=1, certificates=certificates)
            with pytest.raises(ConfigurationError, match="of no use for TLS") as caught:
                _ = Connection(address).version
            assert str(named) in caught.value.message
    with pytest.raises(ConfigurationError, match="part of TLS"):
        Address("http://127.0.0.1:1", certificates=own)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_a_connection_that_breaks_is_no_matter_of_certificates(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path, reset: str
) -> None:
    server = serve(authority.issue_cert(HERE))
    store = store_at(server, Certificates(trusted))
    store.upsert([point(1)])
    server.fail(UPSERT, reset=reset, times=2)
    store.upsert([point(2)])
    assert (store.counts(), server.count(UPSERT)) == (Counts(2, 2), 4)
    store.close()


def test_a_connection_that_ends_in_the_middle_of_a_handshake_is_tried_again(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path
) -> None:
    """What stands before a server may restart too: the end of a handshake is an error of TLS, not of certificates."""
    server = serve(authority.issue_cert(HERE))
    with Relay(server) as relay:
        address = Address(relay.url, KEY, certificates=Certificates(trusted))
        store = ServerStore(Connection(address), "code", DIMENSION)
        assert store.retrieve([id_of(1)]) == {}
        relay.cut = True
        store.upsert([point(1)])
        assert store.counts() == Counts(1, 1)
        store.close()


@pytest.mark.parametrize("by_grpc", [False, True], ids=["rest", "grpc"])
def test_neither_the_key_nor_a_text_crosses_in_the_clear(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path, by_grpc: bool
) -> None:
    leaf = authority.issue_cert(HERE)
    server = serve(leaf)
    front = front_of(server, leaf)
    with Relay(server) as rest, Relay(server, front.port) as fast:
        address = Address(rest.url, KEY, prefer_grpc=by_grpc, grpc_port=fast.port, certificates=Certificates(trusted))
        store = ServerStore(Connection(address), "code", DIMENSION)
        store.upsert([point(1)])
        assert store.retrieve([id_of(1)])[id_of(1)] == chunk(1)
        store.close()
        crossed = fast.crossed if by_grpc else rest.crossed
        assert len(crossed) > 2_000
        assert KEY.encode() not in crossed
        assert chunk(1).content.encode() not in crossed
    front.stop()


def test_a_key_does_not_follow_to_where_a_server_points(
    serve: Callable[..., QdrantServer], authority: CA, trusted: Path
) -> None:
    server = serve(authority.issue_cert(HERE))
    elsewhere = QdrantServer().start()
    server.fail("GET /$", status=307, headers={"Location": f"{elsewhere.url}/"})
    with pytest.raises(StoreError, match="307"):
        store_at(server, Certificates(trusted)).counts()
    assert elsewhere.lines == []
    elsewhere.stop()


class Relay:
    """Passes bytes on between clients and a server, and keeps what crossed."""

    def __init__(self, server: QdrantServer, port: int = 0) -> None:
        self._to = port or int(server.url.rsplit(":", 1)[1])
        self._listening = socket.create_server((HERE, 0))
        self.port: int = self._listening.getsockname()[1]
        self.crossed = b""
        self.cut = False
        """Whether the next connection ends before the server has said a word."""

    @property
    def url(self) -> str:
        return f"https://{HERE}:{self.port}"

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection((HERE, self._to))
            cut, self.cut = self.cut, False
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, cut), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, cut: bool) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(65_536)) and not cut:
                self.crossed += data
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
