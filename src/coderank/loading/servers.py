"""What a collection's configuration says of its server and its vectors, as the store takes it; and the store itself."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from coderank.collections.config import Binary, PayloadMapping, Scalar
from coderank.corpus.languages import detect
from coderank.errors import ConfigurationError, StoreError
from coderank.settings import secret
from coderank.store.address import Address, Certificates
from coderank.store.adopt import Fields, plain
from coderank.store.pin import Physical
from coderank.store.quantization import NONE, Quantization
from coderank.store.raw import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coderank.collections import config
    from coderank.settings import Settings
    from coderank.store.fingerprint import Fingerprint
    from coderank.store.ownership import Ownership
    from coderank.store.server import ServerStore
    from coderank.store.server_connection import Connection
    from coderank.store.server_points import ServerPoints
    from coderank.store.server_requests import Plan

INSTALL = "Install what it takes: pip install 'coderank[server]'"
_SETTING = "QDRANT_API_KEY"
"""The variable that the settings have read already, under coderank's own name for it too."""
_BITS = {
    **{"one_bit": 1.0, "one_and_half_bits": 1.5, "two_bits": 2.0},
    **{"bits1": 1.0, "bits1_5": 1.5, "bits2": 2.0, "bits4": 4.0},
}


def quantization(wanted: config.Quantization, otherwise: Quantization = NONE) -> Quantization:
    """Describe the one quantization that a collection uses; ``otherwise`` where none is enabled."""
    used = wanted.used
    if used is None:
        return otherwise
    asked = {"oversampling": used.oversampling, "rescore": used.rescore, "in_memory": used.always_ram}
    if isinstance(used, Binary):
        return Quantization("binary", _BITS[used.encoding], query_encoding=used.query_encoding, **asked)  # type: ignore[arg-type]
    if isinstance(used, Scalar):
        return Quantization("scalar", quantile=used.quantile, **asked)  # type: ignore[arg-type]
    return Quantization("turbo", _BITS[used.bits], **asked)  # type: ignore[arg-type]


def configured(chosen: Quantization, before: config.Quantization) -> dict[str, Any]:
    """Write a quantization as a collection's configuration; what was configured before stays, switched off."""
    said: dict[str, Any] = {
        kind: msgspec.to_builtins(entry) | {"enabled": False}
        for kind in ("binary", "scalar", "turbo")
        if (entry := getattr(before, kind)) is not None
    }
    if chosen.kind == "none":
        return said
    entry = {"enabled": True, "oversampling": chosen.oversampling, "rescore": chosen.rescore}
    if chosen.kind == "binary":
        entry |= {"encoding": _named(chosen.bits, "bit"), "query_encoding": chosen.query_encoding}
    elif chosen.kind == "scalar":
        entry |= {"type": "int8"} | ({} if chosen.quantile is None else {"quantile": chosen.quantile})
    else:
        entry |= {"bits": _named(chosen.bits, "bits")}
    return said | {chosen.kind: entry}


def _named(bits: float, word: str) -> str:
    """Name a number of bits as the configuration does: binary's ``two_bits``, turbo's ``bits2``."""
    return next(name for name, count in _BITS.items() if count == bits and name.startswith("bits") == (word == "bits"))


def pinned(collection: config.Collection, place: str) -> config.Collection:
    """Describe the same collection with a physical collection for its name; as it is, where ``place`` is empty."""
    if not place or collection.store is None:
        return collection
    server = msgspec.structs.replace(collection.store, collection=Physical(place))
    return msgspec.structs.replace(collection, store=server)


def connect(collection: config.Collection, settings: Settings) -> Connection:
    """Connect to the server of a collection; nothing is asked before the first use.

    Raises:
        ConfigurationError: neither the collection nor the settings name a server, or the address cannot be.
        StoreError: the client is not installed.
    """
    try:
        from coderank.store.server_connection import Connection  # noqa: PLC0415 - the client takes 0.5 s to import
    except ImportError as error:
        raise StoreError(f"A Qdrant server needs a package that is missing: {error.name}", INSTALL) from error
    server = _server(collection)
    url = server.url or settings.qdrant_url
    if not url:
        raise ConfigurationError(
            f"No server is named for the collection {collection.name}", "Give store.url, or set QDRANT_URL"
        )
    key = settings.qdrant_api_key if server.api_key_env == _SETTING else secret(server.api_key_env)
    return Connection(
        Address(
            url,
            api_key=key,
            prefer_grpc=server.prefer_grpc,
            grpc_port=server.grpc_port,
            timeout_s=server.timeout_s,
            certificates=Certificates(
                authority=_file(server.ca_file) or settings.ca_file,
                client=_file(server.client_cert_file),
                client_key=_file(server.client_key_file),
            ),
        )
    )


def _file(place: str) -> Path | None:
    return Path(place) if place else None


def plan(collection: config.Collection) -> Plan:
    """Describe how the collection is made on its server."""
    from coderank.store.server_requests import Plan  # noqa: PLC0415 - the client takes 0.5 s to import

    server = _server(collection)
    return Plan(
        distance=collection.distance_metric,
        quantization=quantization(collection.quantization),
        settled=collection.quantization != type(collection.quantization)(),
        on_disk=server.on_disk,
        shard_number=server.shard_number,
        replication_factor=server.replication_factor,
        write_consistency_factor=server.write_consistency_factor,
    )


def open_store(
    collection: config.Collection,
    settings: Settings,
    dimension: int,
    *,
    fingerprint: Fingerprint | None = None,
    owned: Ownership | None = None,
    verify: Callable[[], object] = lambda: None,
    verify_empty: Callable[[], object] = lambda: None,
) -> ServerStore:
    """Open the server store of a collection: coderank's own, or one that others wrote, which is only read.

    ``owned`` is of the folder that indexes it. Of one that others wrote, the collection is looked at now: it says where
    its text is. Raises what `connect` and `store.server_adoption.adopted` raise.
    """
    connection = connect(collection, settings)
    from coderank.store.layout import OWN  # noqa: PLC0415
    from coderank.store.server import ServerStore  # noqa: PLC0415 - after connect, which says what is missing
    from coderank.store.server_adoption import adopted, is_own  # noqa: PLC0415

    server, name = _server(collection), name_there(collection)
    layout = OWN
    if collection.is_adopted and (server.payload is not None or not is_own(connection, name)):
        layout = adopted(
            connection,
            name,
            dimension,
            language_of=lambda path: detect(path).name,
            vector=server.vector,
            fields=fields_of(server.payload),
        )
    return ServerStore(
        connection,
        name,
        dimension,
        plan=plan(collection),
        layout=layout,
        fingerprint=fingerprint,
        owned=owned,
        verify=verify,
        verify_empty=verify_empty,
    )


def own_store(
    collection: config.Collection, settings: Settings, dimension: int, fingerprint: Fingerprint, name: str
) -> ServerStore:
    """Open a collection of coderank's own on the server of a described one; the first write makes it.

    Raises what `connect` raises.
    """
    connection = connect(collection, settings)
    from coderank.store.server import ServerStore  # noqa: PLC0415 - after connect, which says what is missing

    return ServerStore(connection, name, dimension, plan=plan(collection), fingerprint=fingerprint)


def foreign_points(
    collection: config.Collection, settings: Settings, dimension: int, fields: Fields, name: str
) -> ServerPoints:
    """Make a collection of a name for points that another program wrote, and open it; what had the name before goes.

    The vector has the name that the description gives, or none; what a filter can name is indexed. Raises what
    `connect` raises.
    """
    connection = connect(collection, settings)
    from coderank.store.server_collection import make_foreign  # noqa: PLC0415 - after connect, as above
    from coderank.store.server_names import delete_collection  # noqa: PLC0415
    from coderank.store.server_points import open_server_points  # noqa: PLC0415

    delete_collection(connection, name)
    indexed = [plain(names[0]) for names in (fields.path, fields.language) if len(names) == 1]
    make_foreign(connection, name, _server(collection).vector or UNNAMED, dimension, plan(collection), indexed)
    return open_server_points(connection, name)


def recorded_model(collection: config.Collection, settings: Settings) -> str:
    """Return the model that a collection on a server says it was made with, if coderank made or moved it.

    Raises:
        ConfigurationError: it does not say.
    """
    with _asking(collection, settings) as (connection, target):
        from coderank.store.made_with import told  # noqa: PLC0415 - after connect, as above
        from coderank.store.server_names import metadata  # noqa: PLC0415
        from coderank.store.server_requests import METADATA  # noqa: PLC0415

        said = metadata(connection, target) if target else {}
    recorded, made = said.get(METADATA), told(said, _server(collection).vector)
    model = recorded.get("model") if isinstance(recorded, dict) else made and made.model
    if not isinstance(model, str):
        raise ConfigurationError(
            f"Which model made the vectors of {name_there(collection)} at {connection.url} is not known",
            f"Name it as embedding_model of {collection.name}",
        )
    return model


@dataclass(frozen=True, slots=True)
class Answering:
    """How a server answers."""

    url: str
    version: str
    """Major and minor."""
    transport: str
    """``gRPC`` or ``REST``."""
    wanted_grpc: bool
    ms: float
    """What a request takes, once there is a connection."""


def answering(collection: config.Collection, settings: Settings) -> Answering:
    """Ask the server of a collection for its version, and something that needs the key. Raises what `connect` raises.

    Raises:
        StoreError: it does not answer, is too old, or refuses the key.
    """
    connection = connect(collection, settings)
    from coderank.store.server_names import resolve  # noqa: PLC0415 - after connect, which says what is missing

    try:
        version = ".".join(map(str, connection.version))
        started = time.perf_counter()
        resolve(connection, name_there(collection))
        ms = (time.perf_counter() - started) * 1000
        return Answering(connection.url, version, connection.transport, _server(collection).prefer_grpc, ms)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class There:
    """What a server has under the name of a collection."""

    url: str
    name: str
    """The physical collection that the name stands for."""
    points: int
    is_own: bool
    """Whether coderank made it."""
    host: str = ""
    """Machine that indexes it from sources; empty where none does."""
    before: str = ""
    """The collection that has the name itself and another stands in for: what a move to another model has left."""


def what_is_there(collection: config.Collection, settings: Settings) -> There | None:
    """Look at what a collection's name stands for on its server; None where it stands for nothing."""
    with _asking(collection, settings) as (connection, target):
        from coderank.store.ownership import owner_in  # noqa: PLC0415 - after connect, as above
        from coderank.store.server_names import aliases, metadata  # noqa: PLC0415
        from coderank.store.server_requests import METADATA  # noqa: PLC0415

        if target is None:
            return None
        name = name_there(collection)
        points = connection.call(lambda client: client.count(target, exact=True)).count
        said = metadata(connection, target)
        owner = owner_in(said)
        before = name if target not in (name, aliases(connection).get(name)) and _has(connection, name) else ""
        return There(connection.url, target, points, METADATA in said, owner.host if owner else "", before)


def _has(connection: Connection, name: str) -> bool:
    return connection.call(lambda client: client.collection_exists(name))


def check_owner(collection: config.Collection, settings: Settings, folder: Path) -> None:
    """Raise StoreError if what a collection's name stands for is indexed by another index than the one in a folder."""
    with _asking(collection, settings) as (connection, target):
        from coderank.store.ownership import Ownership  # noqa: PLC0415 - after connect, as above
        from coderank.store.server_names import metadata  # noqa: PLC0415

        if target is not None:
            where = f"{connection.url} {target}"
            Ownership(folder, collection.name).check(metadata(connection, target), where)


def delete_there(collection: config.Collection, settings: Settings) -> None:
    """Delete what a collection's name stands for on its server, whoever made it."""
    there = what_is_there(collection, settings)
    if there is None:
        return
    connection = connect(collection, settings)
    from coderank.store.server_names import delete_collection  # noqa: PLC0415 - after connect, as above

    try:
        delete_collection(connection, there.name)
    finally:
        connection.close()


def open_points(collection: config.Collection, settings: Settings) -> ServerPoints:
    """Open the raw points of a collection on its server: those of the one that its name stands for now."""
    connection = connect(collection, settings)
    from coderank.store.server_names import resolve  # noqa: PLC0415 - after connect, which says what is missing
    from coderank.store.server_points import open_server_points  # noqa: PLC0415

    name = name_there(collection)
    return open_server_points(connection, resolve(connection, name) or name)


@contextmanager
def _asking(collection: config.Collection, settings: Settings) -> Iterator[tuple[Connection, str | None]]:
    """Connect for a question or two; yield what the collection's name stands for, too. Raises what `connect` raises."""
    connection = connect(collection, settings)
    from coderank.store.server_names import resolve  # noqa: PLC0415 - after connect, which says what is missing

    try:
        yield connection, resolve(connection, name_there(collection))
    finally:
        connection.close()


def name_there(collection: config.Collection) -> str:
    """Say what a collection is called on its server."""
    return _server(collection).collection or collection.name


def _server(collection: config.Collection) -> config.Server:
    if collection.store is None:
        raise ConfigurationError(f"The collection {collection.name} is on no server", "Give it a store")
    return collection.store


def fields_of(wanted: PayloadMapping | str | None) -> Fields | str | None:
    """Say where a configuration has the text of a payload, as the store takes it."""
    if not isinstance(wanted, PayloadMapping):
        return wanted
    named = {
        each: (value,)
        for each in ("path", "start_line", "end_line", "language", "symbol")
        if (value := getattr(wanted, each))
    }
    return Fields((wanted.text,), **named)
