"""A connection to one Qdrant server: opened on first use, its version checked, its failures waited out."""

from __future__ import annotations

import re
import threading
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity
from qdrant_client import QdrantClient

from coderank.errors import CoderankError, StoreError
from coderank.store.server_failures import CLIENT_ERRORS, meaning, passes, wait_asked_for
from coderank.store.server_trust import channel, context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from coderank.store.address import Address

CONNECT_TIMEOUT_S = 5.0
"""What a server that is up needs at most to accept a connection, also from another continent."""
READ_PATIENCE_S = 8.0
"""How long a question is asked again of a server that is busy or away: as long as somebody who searches waits."""
WRITE_PATIENCE_S = 120.0
"""How long a write is: a server that restarts with some millions of points is back within a minute or two."""
SNAPSHOT_TIMEOUT_S = 3_600.0
"""What a server may take to write or read a snapshot: an hour is enough for half a terabyte on a slow disk."""
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 10.0
MINIMUM: tuple[int, int] = (1, 16)
"""The first version with metadata of a collection, which say what its vectors were made with."""
FEATURES: Mapping[str, tuple[int, int]] = {"TurboQuant": (1, 18)}
"""What came later, and is named where a server lacks it."""
CHANNEL: Mapping[str, int] = {
    "grpc.min_reconnect_backoff_ms": round(CONNECT_TIMEOUT_S * 1000),  # gRPC's name for the time-out to connect
    "grpc.initial_reconnect_backoff_ms": round(FIRST_WAIT_S * 1000),
    "grpc.max_reconnect_backoff_ms": round(CONNECT_TIMEOUT_S * 1000),
}
"""Its own would look for a server that restarts every two minutes in the end, which is all that a write waits."""
_UPDATE = "Update the server: https://qdrant.tech/documentation/guides/installation/"
Answer = TypeVar("Answer")


class Connection:
    """Speaks to one server for any number of collections. Safe to use from several threads."""

    def __init__(
        self, address: Address, *, read_patience: float = READ_PATIENCE_S, write_patience: float = WRITE_PATIENCE_S
    ) -> None:
        self._address = address
        self._patience = {False: read_patience, True: write_patience}
        self._lock = threading.Lock()
        self._client: QdrantClient | None = None
        self._version: tuple[int, int] = (0, 0)
        self.transport = ""
        """``gRPC`` or ``REST``, once it is open."""

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._address.url

    @property
    def api_key(self) -> str:
        """What the server was given to let us in."""
        return self._address.api_key

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version of the server."""
        self._opened()
        return self._version

    def call(self, ask: Callable[[QdrantClient], Answer], *, writes: bool = False) -> Answer:
        """Ask the server, again and again while it is busy or away, for as long as reads or writes are worth it.

        Every write of ours can be repeated: it names whole points by id. Raises StoreError for what the server
        refuses, ServerUnavailableError where it does not answer in time.
        """
        client = self._opened()
        try:
            return self._waiting(self._patience[writes])(ask, client)
        except CLIENT_ERRORS as error:
            raise meaning(error, self.url) from error

    def once(self, ask: Callable[[QdrantClient], Answer], *, writes: bool = False) -> Answer:
        """Ask like `call`, but let the exceptions of the client through that do not pass by themselves."""
        client = self._opened()
        try:
            return self._waiting(self._patience[writes])(ask, client)
        except CLIENT_ERRORS as error:
            if passes(error):
                raise meaning(error, self.url) from error
            raise

    def require(self, feature: str) -> None:
        """Raise StoreError that names the feature where the server is too old for it."""
        needed = FEATURES[feature]
        if self.version < needed:
            raise StoreError(
                f"The Qdrant server at {self.url} is {_dotted(self.version)}; {feature} came with {_dotted(needed)}",
                f"Choose another quantization. {_UPDATE}",
            )

    def close(self) -> None:
        """Give up the connection; the next use opens it again."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def _opened(self) -> QdrantClient:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> QdrantClient:
        if self._address.prefer_grpc:
            client = _client(self._address, grpc=True)
            try:
                return self._checked(client, "gRPC")
            except CoderankError:  # its port may be closed: REST is asked, and says what is wrong where it fails too
                client.close()
        client = _client(self._address, grpc=False)
        try:
            return self._checked(client, "REST")
        except CoderankError:
            client.close()
            raise

    def _checked(self, client: QdrantClient, transport: str) -> QdrantClient:
        # Not asked again and again: who mistyped the URL wants to know at once.
        try:
            said = client.info().version
        except CLIENT_ERRORS as error:
            raise meaning(error, self.url) from error
        found = re.match(r"(\d+)\.(\d+)", said)
        if found is None:
            raise StoreError(f"What answers at {self.url} gives {said!r} as its version", "Check the URL")
        self._version = int(found[1]), int(found[2])
        if self._version < MINIMUM:
            raise StoreError(
                f"The Qdrant server at {self.url} is {said}; {_dotted(MINIMUM)} or newer is needed, "
                "for it keeps in a collection which model made its vectors",
                _UPDATE,
            )
        self.transport = transport
        return client

    def _waiting(self, patience: float) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(passes),
            wait=_wait,
            stop=tenacity.stop_before_delay(patience),
            reraise=True,
        )


_backoff = tenacity.wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def _wait(state: tenacity.RetryCallState) -> float:
    """Wait as long as the server asked for, else longer each time, and not all clients equally long."""
    error = state.outcome.exception() if state.outcome else None
    asked = wait_asked_for(error) if error else 0.0
    return asked or _backoff(state)


def _client(address: Address, *, grpc: bool) -> QdrantClient:
    secure = address.url.startswith("https://")
    options: dict[str, Any] = {**CHANNEL, **(channel(address.certificates) if secure and grpc else {})}
    how: dict[str, Any] = {"verify": context(address.certificates)} if secure else {}
    if address.is_near:  # a proxy would read the key, and knows no server of this machine
        how["trust_env"], options["grpc.enable_http_proxy"] = False, 0
    with warnings.catch_warnings():
        # That a key is sent in the clear is refused by Address, or of no consequence.
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        client = QdrantClient(
            url=address.url,
            api_key=address.api_key or None,
            prefer_grpc=grpc,
            grpc_port=address.grpc_port,
            grpc_options=options,
            timeout=max(1, round(address.timeout_s)),
            check_compatibility=False,  # done here, without a thread that prints
            **how,
        )
    client.http.client.add_middleware(_connect_in_time)
    return client


def _connect_in_time(request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
    """Give connecting less time than answering: a machine that is off does not refuse, it keeps silent."""
    timeouts = request.extensions.get("timeout", {})
    read = timeouts.get("read")
    connect = min(CONNECT_TIMEOUT_S, read or CONNECT_TIMEOUT_S)
    if "/snapshots" in request.url.path:
        read = SNAPSHOT_TIMEOUT_S
    request.extensions["timeout"] = {**timeouts, "connect": connect, "read": read}
    return send(request)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
