"""A collection as it should be: made where it is missing, completed where making it was interrupted, checked else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pydantic import BaseModel
from qdrant_client import models

from coderank.errors import REBUILD, IndexIncompatibleError, StoreError
from coderank.store import fingerprint as fingerprints
from coderank.store import made_with
from coderank.store.fingerprint import Fingerprint
from coderank.store.layout import DENSE, OWN
from coderank.store.ownership import OWNER
from coderank.store.payload import FILTERED_FIELDS
from coderank.store.server_failures import CLIENT_ERRORS, meaning, status_of
from coderank.store.server_names import metadata
from coderank.store.server_requests import METADATA, Plan, creation, foreign_creation, requantization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.store.layout import Layout
    from coderank.store.made_with import MadeWith
    from coderank.store.ownership import Ownership
    from coderank.store.server_connection import Connection

_CONFLICT = 409
Kind = TypeVar("Kind", bound=BaseModel)


def make(
    connection: Connection,
    name: str,
    dimension: int,
    plan: Plan,
    fingerprint: Fingerprint | None = None,
    owned: Ownership | None = None,
) -> None:
    """Make a collection of coderank's own layout with its payload indexes; what is there of it already stays.

    Raises StoreError where it is there meanwhile, and is not ``owned``.
    """
    _check_known(connection, plan)
    said: dict[str, Any] = {METADATA: msgspec.to_builtins(fingerprint) if fingerprint else {}}
    if owned:
        said[OWNER] = msgspec.to_builtins(owned.claim())
    _create(connection, name, creation(dimension, plan, said))
    if owned:
        _own(connection, name, owned)
    _index(connection, name, FILTERED_FIELDS)


def requantize(connection: Connection, name: str, plan: Plan) -> bool:
    """Have the server compress a collection of coderank's own as planned, where it does otherwise; tell whether it did.

    The server does so in the background, and answers meanwhile.
    """
    if not plan.settled:
        return False
    wanted = requantization(plan.quantization)
    params = dense_vectors(connection.call(lambda client: client.get_collection(name))).get(DENSE)
    if params is None or _compressed(params.quantization_config, wanted.quantization_config):
        return False
    _check_known(connection, plan)
    connection.call(lambda client: client.update_collection(name, vectors_config={DENSE: wanted}), writes=True)
    return True


def _check_known(connection: Connection, plan: Plan) -> None:
    """Raise StoreError where the server cannot compress vectors as planned."""
    if plan.quantization.kind == "turbo":
        connection.require("TurboQuant")


def _compressed(found: models.QuantizationConfig | None, wanted: models.QuantizationConfigDiff | None) -> bool:
    """Tell whether vectors are compressed as wanted; what the server adds by itself does not count."""
    if found is None or not isinstance(wanted, BaseModel):
        return found is None and not isinstance(wanted, BaseModel)
    has, asked = (_flat(one.model_dump(mode="json", exclude_none=True)) for one in (found, wanted))
    return asked.items() <= has.items()


def _flat(told: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Name every value by its path; a number came over the wire in 32 bits."""
    values: dict[str, Any] = {}
    for key, value in told.items():
        if isinstance(value, dict):
            values |= _flat(value, f"{before}{key}.")
        else:
            values[f"{before}{key}"] = round(value, 5) if isinstance(value, float) else value
    return values


def make_foreign(
    connection: Connection, name: str, vector: str, dimension: int, plan: Plan, indexed: Sequence[str]
) -> None:
    """Make a collection for points of another program, without a word of coderank in it, and indexes of some fields."""
    _check_known(connection, plan)
    _create(connection, name, foreign_creation(vector, dimension, plan))
    _index(connection, name, indexed)


def _index(connection: Connection, name: str, fields: Sequence[str]) -> None:
    for field in fields:
        connection.call(
            lambda client, field=field: client.create_payload_index(name, field, models.PayloadSchemaType.KEYWORD),  # type: ignore[misc]
            writes=True,
        )


def _own(connection: Connection, name: str, owned: Ownership) -> None:
    """Have a collection say who indexes it, unless it says so; raise StoreError where that is another."""
    said = metadata(connection, name)
    if OWNER not in said:
        take(connection, name, owned)
        said = metadata(connection, name)
    owned.check(said, f"{connection.url} {name}")


def take(connection: Connection, name: str, owned: Ownership) -> None:
    """Have a collection say that it is indexed by this folder, whoever it was before."""
    said = {**metadata(connection, name), OWNER: msgspec.to_builtins(owned.claim())}
    connection.call(lambda client: client.update_collection(name, metadata=said), writes=True)


def make_like(
    connection: Connection,
    name: str,
    source: str,
    *,
    vector: str,
    dimension: int,
    fingerprint: Fingerprint | None = None,
    made: MadeWith | None = None,
) -> None:
    """Make a collection like ``source``, but for the dimension of one of its dense vectors; what is there stays.

    Distances, quantization, shards, replicas, sparse vectors, payload indexes and what the source says of its graph,
    its optimizers and its log are those of the source; for its limits see `limit_like`. Its metadata are taken over,
    and tell the fingerprint or, where coderank cut nothing, what ``made`` the vector.

    Raises StoreError for a vector that the source has not, and for shards that points are sent to by a key.
    """
    info = connection.call(lambda client: client.get_collection(source))
    params = info.config.params
    vectors = dense_vectors(info)
    if vector not in vectors:
        raise StoreError(f"The collection {source} has no vector {vector!r}, only {sorted(vectors)}")
    if params.sharding_method == models.ShardingMethod.CUSTOM:
        raise StoreError(
            f"The points of {source} are in shards by a key (custom sharding), which a point does not tell",
            "Make a collection with those shard keys yourself, and let the program that writes it fill it",
        )
    vectors[vector] = vectors[vector].model_copy(update={"size": dimension})
    said = dict(info.config.metadata or {})
    if fingerprint:
        said[METADATA] = msgspec.to_builtins(fingerprint)
    elif made:
        said = made_with.telling(said, vector, made)
    arguments: dict[str, Any] = {
        "vectors_config": vectors[""] if list(vectors) == [""] else vectors,
        "sparse_vectors_config": params.sparse_vectors,
        "shard_number": params.shard_number,
        "replication_factor": params.replication_factor,
        "write_consistency_factor": params.write_consistency_factor,
        "on_disk_payload": params.on_disk_payload,
        "quantization_config": info.config.quantization_config,
        "hnsw_config": _as(models.HnswConfigDiff, info.config.hnsw_config),
        "optimizers_config": _as(models.OptimizersConfigDiff, info.config.optimizer_config),
        "wal_config": _as(models.WalConfigDiff, info.config.wal_config),
        "metadata": said or None,
    }
    _create(connection, name, arguments)
    for field, index in info.payload_schema.items():
        schema = index.params or index.data_type
        connection.call(
            lambda client, field=field, schema=schema: client.create_payload_index(name, field, schema),  # type: ignore[misc]
            writes=True,
        )


def limit_like(connection: Connection, name: str, source: str) -> None:
    """Give a collection the limits of another (strict mode); once it is filled, as they may be narrower than that."""
    told = connection.call(lambda client: client.get_collection(source)).config.strict_mode_config
    if limits := _as(models.StrictModeConfig, told):
        connection.call(lambda client: client.update_collection(name, strict_mode_config=limits), writes=True)


def _as(kind: type[Kind], told: BaseModel | None) -> Kind | None:
    """Ask for what another collection tells of itself; None for what it does not tell."""
    return None if told is None else kind.model_validate(told.model_dump(exclude_none=True))


def _create(connection: Connection, name: str, arguments: dict[str, Any]) -> None:
    try:
        connection.once(
            lambda client: client.collection_exists(name) or client.create_collection(name, **arguments), writes=True
        )
    except CLIENT_ERRORS as error:
        if status_of(error) != _CONFLICT:  # somebody made it at the same moment
            raise meaning(error, connection.url) from error


def complete(info: models.CollectionInfo) -> bool:
    """Tell whether a collection has the indexes that filters of ours need."""
    return set(FILTERED_FIELDS) <= set(info.payload_schema)


def dense_vectors(info: models.CollectionInfo) -> dict[str, models.VectorParams]:
    """Return the dense vectors of a collection by name, "" for the unnamed one."""
    found = info.config.params.vectors
    return {"": found} if isinstance(found, models.VectorParams) else dict(found or {})


def check_made_alike(
    info: models.CollectionInfo,
    dimension: int,
    layout: Layout,
    expected: Fingerprint | None,
    name: str,
    *,
    indexed_here: bool,
) -> None:
    """Raise IndexIncompatibleError where a collection's vectors cannot be compared with the caller's.

    Whoever indexes it can build it again; whoever only searches it can name the other model.
    """
    recorded = (info.config.metadata or {}).get(METADATA)
    found = _decoded(recorded, name) if recorded and expected is not None else None
    if expected is not None and not indexed_here:
        made = made_with.of_fingerprint(found) if found else made_with.told(info.config.metadata, layout.dense)
        made_with.check(made, made_with.of_fingerprint(expected), name)
    vectors = dense_vectors(info)
    if layout.dense not in vectors:
        raise IndexIncompatibleError(
            f"The collection {name} has no vector {layout.dense!r}, only {sorted(vectors)}",
            "Name the vector as store.vector in the configuration, or another collection as store.collection",
        )
    size = vectors[layout.dense].size
    if size != dimension:
        raise IndexIncompatibleError(
            f"The vectors of {name} have {size} numbers, those of the model {dimension}",
            f"Name the model that made them as embedding_model. {REBUILD}"
            if layout is OWN
            else "Name the model that made them as embedding_model, in the file of collections",
        )
    if found is not None and expected is not None:
        fingerprints.check(found, expected, name)


def _decoded(recorded: object, name: str) -> Fingerprint:
    try:
        return fingerprints.current(msgspec.convert(recorded, Fingerprint))
    except msgspec.ValidationError as error:
        raise IndexIncompatibleError(f"What {name} was built with is not readable: {error}", REBUILD) from error
