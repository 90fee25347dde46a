"""Snapshots of a collection on its server: made, listed, checked against what is kept there, and recovered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qdrant_client import models

from coderank.errors import StoreError

if TYPE_CHECKING:
    from coderank.store.server_connection import Connection


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot of a collection, on the server's disk."""

    collection: str
    name: str
    size: int
    """Bytes."""
    checksum: str
    """SHA-256 in hexadecimal digits; empty where the server gives none."""


def create_snapshot(connection: Connection, collection: str) -> Snapshot:
    """Make a snapshot and return when it is whole. In a cluster it holds the shards of the node that was asked."""
    made = connection.call(lambda client: client.http.snapshots_api.create_snapshot(collection, wait=True), writes=True)
    if made.result is None:
        raise StoreError(f"The Qdrant server at {connection.url} made no snapshot of {collection}")
    return _described(collection, made.result)


def list_snapshots(connection: Connection, collection: str) -> tuple[Snapshot, ...]:
    """Every snapshot of a collection that the server keeps, by name."""
    listed = connection.call(lambda client: client.list_snapshots(collection))
    return tuple(sorted((_described(collection, each) for each in listed), key=lambda each: each.name))


def verify_snapshot(connection: Connection, snapshot: Snapshot) -> None:
    """Raise StoreError unless the server still keeps a snapshot with its size and checksum."""
    kept = next((one for one in list_snapshots(connection, snapshot.collection) if one.name == snapshot.name), None)
    if kept is None:
        raise StoreError(f"The snapshot {snapshot.name} of {snapshot.collection} is gone from {connection.url}")
    if kept.size == 0 or (kept.size, kept.checksum) != (snapshot.size, snapshot.checksum):
        raise StoreError(
            f"The snapshot {snapshot.name} of {snapshot.collection} has {kept.size} bytes and the checksum "
            f"{kept.checksum or '(none)'}, expected {snapshot.size} and {snapshot.checksum or '(none)'}"
        )


def recover_snapshot(connection: Connection, snapshot: Snapshot, collection: str) -> None:
    """Make ``collection`` what the snapshot holds, whatever it was; the server checks the checksum before.

    The server reads the snapshot from itself, by the URL that it is known under here.
    """
    location = f"{connection.url.rstrip('/')}/collections/{snapshot.collection}/snapshots/{snapshot.name}"
    connection.call(
        lambda client: client.recover_snapshot(
            collection,
            location,
            api_key=connection.api_key or None,
            checksum=snapshot.checksum or None,
            priority=models.SnapshotPriority.SNAPSHOT,
            wait=True,
        ),
        writes=True,
    )


def delete_snapshot(connection: Connection, snapshot: Snapshot) -> None:
    """Delete a snapshot; one that is gone already is no error."""
    known = {each.name for each in list_snapshots(connection, snapshot.collection)}
    if snapshot.name in known:
        connection.call(lambda client: client.delete_snapshot(snapshot.collection, snapshot.name), writes=True)


def nodes(connection: Connection) -> int:
    """How many nodes the cluster has; 1 of a single server. A snapshot covers the shards of one of them."""
    status = connection.call(lambda client: client.cluster_status())
    return max(1, len(getattr(status, "peers", {}) or {}))


def _described(collection: str, made: models.SnapshotDescription) -> Snapshot:
    return Snapshot(collection, made.name, made.size, made.checksum or "")
