"""A server that speaks Qdrant's REST API over real HTTP, to test what is sent to one and what happens when it fails.

What it is: the routes that coderank uses, with Qdrant's status codes and messages, over the Python client's own
in-memory implementation, which answers as a server does for a few thousand points. It fails on demand.
What it is not: Qdrant. It builds no graph, ignores quantization and sharding, and its snapshots are of its own format.
So the same tests run against a real server where QDRANT_URL is set. `grpc_front` puts Qdrant's gRPC in front of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
import warnings
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, TypeAdapter
from qdrant_client import models
from qdrant_client.local.qdrant_local import QdrantLocal
from tests.store.collection_settings import change, told

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REQUEST_BYTES = 32 * 2**20
"""As a server is configured by default."""
Body = dict[str, Any]


class RefusedError(Exception):
    """What the server answers instead of a result."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass
class Fault:
    """What goes wrong with the next requests whose line (``PUT /collections/x/points``) matches."""

    line: str
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "made to fail"
    seconds: float = 0.0
    """How long it stays silent first."""
    reset: str = ""
    """``before`` or ``after`` doing what was asked: the connection is reset instead of an answer."""
    stop: bool = False
    """Whether the server goes away after resetting."""


class QdrantServer:
    """One server process, as far as a client can tell. Data stay when it is stopped and started again."""

    def __init__(self, *, version: str = "1.20.0", api_key: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.version = version
        self.api_key = api_key
        self.tls = tls
        self.local = QdrantLocal(":memory:")
        self.made: dict[str, Body] = {}
        self.lines: list[str] = []  # every request, in order
        self.faults: list[Fault] = []
        self.snapshots: dict[str, dict[str, bytes]] = {}
        self.max_request_bytes = MAX_REQUEST_BYTES
        self.indexes: dict[str, set[str]] = {}
        self.lock = threading.Lock()
        self._port = 0
        self._http: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> QdrantServer:
        handler = type("Handler", (_Handler,), {"server_side": self})
        self._http = _Listening(("127.0.0.1", self._port), handler)
        self._port = self._http.server_address[1]
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def fail(self, line: str, **how: Any) -> None:
        self.faults.append(Fault(line, **how))

    def count(self, line: str) -> int:
        return sum(re.search(line, each) is not None for each in self.lines)

    def indexes_of(self, name: str) -> set[str]:
        return self.indexes.setdefault(name, set())

    def queried(self, name: str, asked: models.QueryRequest) -> Any:
        found = self.local.query_points(
            name,
            query=asked.query,  # type: ignore[arg-type]
            using=asked.using,
            prefetch=asked.prefetch,
            query_filter=asked.filter,
            search_params=asked.params,
            limit=asked.limit or 10,
            with_payload=asked.with_payload or False,
            with_vectors=asked.with_vector or False,
        )
        return _plain(found)

    def fault_for(self, line: str) -> Fault | None:
        with self.lock:
            self.lines.append(line)
            for fault in self.faults:
                if fault.times and re.search(fault.line, line):
                    fault.times -= 1
                    return fault
        return None

    def answer(self, method: str, path: str, body: Body) -> Any:
        for (verb, pattern), route in ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                names = [unquote(name) for name in found.groups()]
                with self.lock, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return _called(partial(route, self, body, *names))
        raise RefusedError(404, f"no route {method} {path}")


class _Listening(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server_side: ClassVar[QdrantServer]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._serve()

    do_PUT = do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def _serve(self) -> None:
        side, path = self.server_side, urlsplit(self.path).path
        line = f"{self.command} {path}"
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        fault = side.fault_for(line)
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        if fault and fault.reset == "before":
            self._reset(fault)
            return
        if fault and fault.status:
            self._say(fault.status, {"status": {"error": fault.message}, "time": 0.0}, fault.headers)
            return
        try:
            self._check(path, length)
            result = side.answer(self.command, path, json.loads(content or b"{}"))
        except RefusedError as error:
            self._say(error.status, {"status": {"error": str(error)}, "time": 0.0}, error.headers)
            return
        if fault and fault.reset == "after":
            self._reset(fault)
            return
        self._say(200, result if path == "/" else {"result": result, "status": "ok", "time": 0.0}, {})

    def _check(self, path: str, length: int) -> None:
        if length > self.server_side.max_request_bytes:
            raise RefusedError(413, f"JSON payload ({length} bytes) is larger than allowed")
        key = self.server_side.api_key
        if key and path != "/" and self.headers.get("api-key") != key:
            raise RefusedError(401, "Must provide an API key or an Authorization bearer token")

    def _say(self, status: int, said: Any, headers: dict[str, str]) -> None:
        content = TypeAdapter(Any).dump_json(said)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def _reset(self, fault: Fault) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        if fault.stop:
            threading.Thread(target=self.server_side.stop, daemon=True).start()


def _called(route: Callable[[], Any]) -> Any:
    """Answer as a server would: the local implementation raises bare exceptions."""
    try:
        return _plain(route())
    except RefusedError:
        raise
    except KeyError as error:
        raise RefusedError(404, f"Not found: No point with id {error.args[0]} found") from error
    except ValueError as error:
        text = str(error)
        if "already exists" in text:
            raise RefusedError(409, f"Wrong input: {text}!") from error
        missing = re.search(r"Collection .* not found|No point with id|Not found", text)
        raise RefusedError(
            404 if missing else 400, text if text.startswith("Wrong") else f"Not found: {text}"
        ) from error
    except Exception as error:  # what the local implementation does not check itself
        raise RefusedError(400, f"Wrong input: {error!r}") from error


def _plain(result: Any) -> Any:
    return result.model_dump(mode="json") if isinstance(result, BaseModel) else result


def _as(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def _create(side: QdrantServer, body: Body, name: str) -> bool:
    made = _as(models.CreateCollection, body)
    side.made[name] = body
    return side.local.create_collection(
        name, vectors_config=made.vectors, sparse_vectors_config=made.sparse_vectors, metadata=made.metadata
    )


def _info(side: QdrantServer, body: Body, name: str) -> Any:
    info = _plain(side.local.get_collection(name))
    name = side.local.aliases.get(name, name)
    info["payload_schema"] = {key: {"data_type": "keyword", "points": 0} for key in side.indexes_of(name)}
    return told(info, side.made.get(name, {}))


def _upsert(side: QdrantServer, body: Body, name: str) -> Any:
    return side.local.upsert(name, _as(models.PointsList, body).points)


def _update_vectors(side: QdrantServer, body: Body, name: str) -> Any:
    return side.local.update_vectors(name, _as(models.UpdateVectors, body).points)


def _delete(side: QdrantServer, body: Body, name: str) -> Any:
    return side.local.delete(name, _as(models.PointsSelector, body))


def _batch(side: QdrantServer, body: Body, name: str) -> Any:
    side.local.batch_update_points(name, _as(models.UpdateOperations, body).operations)
    return [{"operation_id": 0, "status": "completed"}]


def _retrieve(side: QdrantServer, body: Body, name: str) -> Any:
    asked = _as(models.PointRequest, body)
    found = side.local.retrieve(name, asked.ids, asked.with_payload, asked.with_vector or False)
    return [_plain(record) for record in found]


def _scroll(side: QdrantServer, body: Body, name: str) -> Any:
    asked = _as(models.ScrollRequest, body)
    points, following = side.local.scroll(
        name,
        scroll_filter=asked.filter,
        limit=asked.limit or 10,
        offset=asked.offset,
        with_payload=True if asked.with_payload is None else asked.with_payload,
        with_vectors=asked.with_vector or False,
    )
    return {"points": [_plain(point) for point in points], "next_page_offset": following}


def _count(side: QdrantServer, body: Body, name: str) -> Any:
    return side.local.count(name, count_filter=_as(models.CountRequest, body).filter)


def _query(side: QdrantServer, body: Body, name: str) -> Any:
    return side.queried(name, _as(models.QueryRequest, body))


def _query_batch(side: QdrantServer, body: Body, name: str) -> Any:
    return [side.queried(name, one) for one in _as(models.QueryRequestBatch, body).searches]


def _index(side: QdrantServer, body: Body, name: str) -> Any:
    side.indexes_of(side.local.aliases.get(name, name)).add(body["field_name"])
    return {"operation_id": 0, "status": "completed"}


def _change_aliases(side: QdrantServer, body: Body) -> bool:
    return side.local.update_collection_aliases(_as(models.ChangeAliasesOperation, body).actions)


def _snapshot(side: QdrantServer, body: Body, name: str) -> Any:
    points, _ = side.local.scroll(name, limit=10**9, with_payload=True, with_vectors=True)
    kept_points = [{"id": one.id, "payload": one.payload, "vector": _plain_vectors(one.vector)} for one in points]
    content = TypeAdapter(Any).dump_json([_plain(side.local.get_collection(name)), kept_points])
    kept = side.snapshots.setdefault(name, {})
    kept[f"{name}-{len(kept)}.snapshot"] = content
    return _described(kept)[-1]


def _plain_vectors(vectors: Any) -> Any:
    return {name: _plain(vector) for name, vector in vectors.items()} if isinstance(vectors, dict) else vectors


def _described(kept: dict[str, bytes]) -> list[Body]:
    return [
        {
            "name": name,
            "size": len(content),
            "creation_time": "2026-01-01T00:00:00",
            "checksum": hashlib.sha256(content).hexdigest(),
        }
        for name, content in kept.items()
    ]


def _recover(side: QdrantServer, body: Body, name: str) -> bool:
    file = body["location"].rsplit("/", 1)[-1]
    content = next((kept[file] for kept in side.snapshots.values() if file in kept), None)
    if content is None:
        raise RefusedError(404, f"Not found: Snapshot file {file}")
    if body.get("checksum") and body["checksum"] != hashlib.sha256(content).hexdigest():
        raise RefusedError(400, "Wrong input: Snapshot checksum mismatch")
    info, points = json.loads(content)
    kept = info["config"]["params"]
    made = {"vectors": kept["vectors"], "sparse_vectors": kept["sparse_vectors"]}
    if name in side.local.collections:
        side.local.delete_collection(name)
    _create(side, made | {"metadata": info["config"].get("metadata")}, name)
    side.local.upsert(name, _as(list[models.PointStruct], points))
    return True


def _delete_snapshot(side: QdrantServer, body: Body, name: str, file: str) -> bool:
    return side.snapshots.get(name, {}).pop(file, None) is not None


def _missing_checked(route: Callable[..., Any]) -> Callable[..., Any]:
    def checked(side: QdrantServer, body: Body, name: str, *rest: str) -> Any:
        if name not in side.local.collections and name not in side.local.aliases:
            raise RefusedError(404, f"Not found: Collection `{name}` doesn't exist!")
        return route(side, body, name, *rest)

    return checked


def _exists(side: QdrantServer, body: Body, name: str) -> Any:
    return {"exists": name in side.local.collections or name in side.local.aliases}


_AT = r"/collections/([^/]+)"
ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", "/"): lambda side, body: {"title": "qdrant - vector search engine", "version": side.version},
    ("GET", "/collections"): lambda side, body: side.local.get_collections(),
    ("GET", "/cluster"): lambda side, body: {"status": "disabled"},
    ("GET", "/aliases"): lambda side, body: side.local.get_aliases(),
    ("POST", "/collections/aliases"): _change_aliases,
    ("GET", _AT + "/exists"): _exists,
    ("PUT", _AT): _create,
    ("PATCH", _AT): _missing_checked(change),
    ("DELETE", _AT): lambda side, body, name: side.local.delete_collection(name),
    ("GET", _AT): _missing_checked(_info),
    ("PUT", _AT + "/index"): _missing_checked(_index),
    ("PUT", _AT + "/points"): _missing_checked(_upsert),
    ("PUT", _AT + "/points/vectors"): _missing_checked(_update_vectors),
    ("POST", _AT + "/points/delete"): _missing_checked(_delete),
    ("POST", _AT + "/points/batch"): _missing_checked(_batch),
    ("POST", _AT + "/points"): _missing_checked(_retrieve),
    ("POST", _AT + "/points/scroll"): _missing_checked(_scroll),
    ("POST", _AT + "/points/count"): _missing_checked(_count),
    ("POST", _AT + "/points/query"): _missing_checked(_query),
    ("POST", _AT + "/points/query/batch"): _missing_checked(_query_batch),
    ("POST", _AT + "/snapshots"): _missing_checked(_snapshot),
    ("GET", _AT + "/snapshots"): lambda side, body, name: _described(side.snapshots.get(name, {})),
    ("DELETE", _AT + "/snapshots/([^/]+)"): _delete_snapshot,
    ("PUT", _AT + "/snapshots/recover"): _recover,
}
