"""The contract of raw points, run over every implementation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import qdrant_edge as qdrant
from qdrant_client import models
from tests.store.store_samples import DIMENSION, corpus, id_of, unit

from coderank.errors import IndexNotFoundError, StoreError
from coderank.store.address import Address
from coderank.store.edge import EdgeStore
from coderank.store.edge_points import open_edge_points
from coderank.store.raw import UNNAMED, RawPoint, VectorSpec, id_order
from coderank.store.server_collection import limit_like, make, make_like
from coderank.store.server_connection import Connection
from coderank.store.server_names import delete_collection
from coderank.store.server_points import open_server_points
from coderank.store.server_requests import Plan
from coderank.store.server_snapshots import (
    Snapshot,
    create_snapshot,
    delete_snapshot,
    list_snapshots,
    nodes,
    recover_snapshot,
    verify_snapshot,
)
from coderank.types import SparseVector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.store.qdrant_server import QdrantServer
    from tests.store.servers import Servers

    from coderank.store.raw import RawPoints

FOREIGN = {"document": "def f(): ...", "metadata": {"lines": [1, 2], "score": 0.25, "none": None, "é": ["\0", {}]}}


def own_edge(folder: Path, servers: Servers) -> RawPoints:
    return open_edge_points(folder / "index", dimension=DIMENSION)


def own_server(folder: Path, servers: Servers) -> RawPoints:
    return own_server_points(servers.connection(), servers.collection())


def own_grpc(folder: Path, servers: Servers) -> RawPoints:
    return own_server_points(servers.connection(grpc=True), servers.collection())


IMPLEMENTATIONS: dict[str, Callable[[Path, Servers], RawPoints]] = {
    "edge": own_edge,
    "server": own_server,
    "grpc": own_grpc,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def points(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Iterator[RawPoints]:
    made = IMPLEMENTATIONS[request.param](tmp_path, servers)
    yield made
    made.close()


def raw(number: int, **payload: object) -> RawPoint:
    terms = SparseVector((3, 900_000_000), (0.5, 2.0))
    return RawPoint(id_of(number), payload or {"n": number}, {"dense": unit(number), "lexical": terms})


def ids_of(points: RawPoints, **how: int | str) -> list[str | int]:
    return [point.id for page in points.pages(vectors=False, **how) for point in page]  # type: ignore[arg-type]


def test_a_point_comes_back_as_its_owner_wrote_it(points: RawPoints) -> None:
    points.write([replace(raw(1), payload=FOREIGN)])
    (found,) = points.retrieve([id_of(1), id_of(2)], vectors=True)
    assert (found.id, found.payload) == (id_of(1), FOREIGN)
    assert found.vectors["lexical"] == SparseVector((3, 900_000_000), (0.5, 2.0))
    dense = found.vectors["dense"]
    assert isinstance(dense, np.ndarray)
    assert dense == pytest.approx(unit(1), abs=1e-3)


def test_vectors_are_left_out_where_they_are_not_asked_for(points: RawPoints) -> None:
    points.write([raw(1)])
    assert points.retrieve([id_of(1)], vectors=False) == [RawPoint(id_of(1), {"n": 1}, {})]


def test_a_copy_of_a_copy_changes_nothing(points: RawPoints) -> None:
    points.write([raw(number) for number in range(1, 40)])
    once = points.retrieve([id_of(number) for number in range(1, 40)], vectors=True)
    points.write(once)
    again = points.retrieve([id_of(number) for number in range(1, 40)], vectors=True)
    for before, after in zip(once, again, strict=True):
        assert np.asarray(after.vectors["dense"]) == pytest.approx(np.asarray(before.vectors["dense"]), abs=5e-4)
        assert (before.payload, before.vectors["lexical"]) == (after.payload, after.vectors["lexical"])


def test_points_may_lack_vectors(points: RawPoints) -> None:
    points.write([RawPoint(id_of(1), {}, {}), RawPoint(id_of(2), {}, {"dense": unit(2)})])
    assert [sorted(point.vectors) for point in points.retrieve([id_of(1), id_of(2)], vectors=True)] == [[], ["dense"]]


def test_pages_are_in_the_order_of_ids_and_can_go_on(points: RawPoints) -> None:
    numbers = np.random.default_rng(3).permutation(np.arange(1, 1301)).tolist()
    mixed = [replace(raw(number), id=number) if number % 2 else raw(number) for number in numbers]
    points.write(mixed)
    expected = sorted((point.id for point in mixed), key=id_order)
    assert ids_of(points) == expected
    for size in (1, 7, 1300):
        assert ids_of(points, size=size, after=expected[1200]) == expected[1201:]
    assert [len(page) for page in points.pages(vectors=False, size=650)] == [650, 650]
    assert ids_of(points, after=expected[-1]) == []


def test_pages_go_on_after_a_point_that_was_deleted(points: RawPoints) -> None:
    points.write([raw(number) for number in range(1, 11)])
    points.delete([id_of(4)])
    assert ids_of(points, after=id_of(4)) == [id_of(number) for number in range(5, 11)]


def test_pages_can_be_rewritten_while_they_are_read(points: RawPoints) -> None:
    points.write([raw(number) for number in range(1, 301)])
    for page in points.pages(vectors=True, size=50):
        points.write([replace(point, payload={"moved": True}) for point in page])
    assert points.count() == 300
    assert all(point.payload == {"moved": True} for page in points.pages(vectors=False) for point in page)


def test_count_and_delete(points: RawPoints) -> None:
    points.write([raw(number) for number in range(1, 701)])
    points.write([raw(1)])
    assert points.count() == 700
    points.delete([*(id_of(number) for number in range(1, 601)), id_of(9999), 12345])
    assert points.count() == 100
    points.delete([])
    points.write([])
    assert points.count() == 100


def test_retrieve_keeps_the_order_asked_for(points: RawPoints) -> None:
    points.write([raw(number) for number in range(1, 6)])
    asked = [id_of(5), id_of(1), id_of(77), id_of(3), id_of(5)]
    assert [point.id for point in points.retrieve(asked, vectors=False)] == [id_of(5), id_of(1), id_of(3)]


def test_specs_name_every_vector(points: RawPoints) -> None:
    points.write([raw(1)])
    assert points.specs() == (
        VectorSpec("dense", DIMENSION, "Cosine"),
        VectorSpec("lexical", 0, "", sparse=True, idf=True),
    )


def test_an_unknown_vector_or_a_wrong_dimension_is_refused(points: RawPoints) -> None:
    points.write([raw(1)])
    for vectors in ({"other": unit(1)}, {"dense": unit(1, 24)}):
        with pytest.raises(StoreError):
            points.write([RawPoint(id_of(2), {}, {**vectors})])
    assert points.count() == 1


def test_closed_points_open_again(points: RawPoints) -> None:
    points.write([raw(1)])
    points.close()
    assert ids_of(points) == [id_of(1)]


def test_a_shard_that_is_not_there_is_named(tmp_path: Path) -> None:
    points = open_edge_points(tmp_path / "index")
    for ask in (points.count, points.specs, lambda: points.write([raw(1)])):
        with pytest.raises(IndexNotFoundError, match="shard"):
            ask()


def test_the_index_of_a_store_is_read_beside_it(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path / "index", DIMENSION)
    store.upsert(corpus(60))
    points = open_edge_points(tmp_path / "index")
    (page,) = points.pages(vectors=True)
    assert [point.id for point in page] == [id_of(number) for number in range(1, 61)]
    assert sum("dense" in point.vectors for point in page) == store.counts().dense == 40
    assert page[0].payload["path"] == "src/file1.py"
    points.close()
    store.close()


def test_a_shard_of_any_shape_is_opened(tmp_path: Path) -> None:
    multi = qdrant.EdgeVectorParams(
        size=2,
        distance=qdrant.Distance.Euclid,
        multivector_config=qdrant.MultiVectorConfig(qdrant.MultiVectorComparator.MaxSim),
    )
    plain = qdrant.EdgeVectorParams(size=3, distance=qdrant.Distance.Dot)
    for name, config in (("plain", qdrant.EdgeConfig(vectors=plain)), ("multi", qdrant.EdgeConfig({"m": multi}))):
        qdrant.EdgeShard.create(str(tmp_path / name), config).close()
    unnamed, tokens = open_edge_points(tmp_path, shard="plain"), open_edge_points(tmp_path, shard="multi")
    unnamed.write([RawPoint(7, {}, {UNNAMED: np.array([1, 2, 3], np.float32)})])
    unnamed.close()  # both are in one folder, and a folder has one user at a time
    tokens.write([RawPoint(7, {}, {"m": np.array([[1, 2], [3, 4]], np.float32)})])
    assert tokens.specs() == (VectorSpec("m", 2, "Euclid", multi=True),)
    assert np.asarray(tokens.retrieve([7], vectors=True)[0].vectors["m"]).tolist() == [[1, 2], [3, 4]]
    tokens.close()
    assert unnamed.specs() == (VectorSpec(UNNAMED, 3, "Dot"),)
    assert np.asarray(unnamed.retrieve([7], vectors=True)[0].vectors[UNNAMED]).tolist() == [1, 2, 3]
    unnamed.close()


def test_a_collection_that_is_not_there_is_named(servers: Servers) -> None:
    points = open_server_points(servers.connection(), servers.collection())
    for ask in (points.count, points.specs, lambda: points.write([raw(1)])):
        with pytest.raises(StoreError, match="doesn't exist"):
            ask()


@pytest.mark.parametrize("grpc", [False, True], ids=["rest", "grpc"])
def test_a_collection_of_any_shape_is_copied_with_another_dimension(servers: Servers, grpc: bool) -> None:
    connection, source, copy = servers.connection(grpc=grpc), servers.collection(), servers.collection()
    unnamed = models.VectorParams(size=3, distance=models.Distance.DOT)
    connection.call(lambda client: client.create_collection(source, unnamed, metadata={"owner": "them"}))
    connection.call(lambda client: client.create_payload_index(source, "kind", models.PayloadSchemaType.KEYWORD))
    for _ in range(2):
        make_like(connection, copy, source, vector=UNNAMED, dimension=5)
    points = open_server_points(connection, copy)
    assert points.specs() == (VectorSpec(UNNAMED, 5, "Dot"),)
    info = connection.call(lambda client: client.get_collection(copy))
    assert (info.config.metadata, list(info.payload_schema)) == ({"owner": "them"}, ["kind"])
    points.write([RawPoint(7, FOREIGN, {UNNAMED: np.ones(5, np.float32)})])
    (found,) = points.retrieve([7], vectors=True)
    assert (found.payload, np.asarray(found.vectors[UNNAMED]).tolist()) == (FOREIGN, [1, 1, 1, 1, 1])
    with pytest.raises(StoreError, match="no vector 'dense', only"):
        make_like(connection, servers.collection(), source, vector="dense", dimension=5)


def test_a_copy_has_the_settings_of_the_collection(server: QdrantServer) -> None:
    connection = Connection(Address(server.url))
    asked: dict[str, Any] = {
        "hnsw_config": models.HnswConfigDiff(m=0, payload_m=16),
        "optimizers_config": models.OptimizersConfigDiff(indexing_threshold=77),
        "wal_config": models.WalConfigDiff(wal_capacity_mb=3),
        "strict_mode_config": models.StrictModeConfig(enabled=True, max_query_limit=50),
    }
    vectors = models.VectorParams(size=3, distance=models.Distance.DOT)
    connection.call(lambda client: client.create_collection("notes", vectors, **asked))
    make_like(connection, "copy", "notes", vector=UNNAMED, dimension=5)
    assert connection.call(lambda client: client.get_collection("copy")).config.strict_mode_config is None
    limit_like(connection, "copy", "notes")
    source = connection.call(lambda client: client.get_collection("notes")).config
    copy = connection.call(lambda client: client.get_collection("copy")).config
    assert copy.wal_config is not None
    assert copy.strict_mode_config is not None
    assert (copy.hnsw_config.m, copy.hnsw_config.payload_m) == (0, 16)
    assert (copy.optimizer_config.indexing_threshold, copy.wal_config.wal_capacity_mb) == (77, 3)
    assert copy.strict_mode_config.max_query_limit == 50
    for name in ("hnsw_config", "optimizer_config", "wal_config", "strict_mode_config"):
        assert getattr(copy, name) == getattr(source, name)
    custom = models.ShardingMethod.CUSTOM
    connection.call(lambda client: client.create_collection("tenants", vectors, sharding_method=custom))
    with pytest.raises(StoreError, match="custom sharding"):
        make_like(connection, "other", "tenants", vector=UNNAMED, dimension=5)
    assert "other" not in server.local.collections


@pytest.mark.parametrize("grpc", [False, True], ids=["rest", "grpc"])
def test_a_snapshot_brings_back_what_was_there(servers: Servers, grpc: bool) -> None:
    connection, name = servers.connection(grpc=grpc), servers.collection()
    points = own_server_points(connection, name)
    points.write([raw(number) for number in range(1, 31)])
    snapshot = create_snapshot(connection, name)
    verify_snapshot(connection, snapshot)
    assert snapshot in list_snapshots(connection, name)
    assert nodes(connection) >= 1
    points.write([raw(1, changed=True)])
    points.delete([id_of(2)])
    recover_snapshot(connection, snapshot, name)
    assert (points.count(), points.retrieve([id_of(1)], vectors=False)[0].payload) == (30, {"n": 1})
    with pytest.raises(StoreError, match="bytes and the checksum"):
        verify_snapshot(connection, replace(snapshot, checksum="0" * 64))
    with pytest.raises(StoreError):
        recover_snapshot(connection, replace(snapshot, checksum="0" * 64), name)
    delete_snapshot(connection, snapshot)
    delete_snapshot(connection, snapshot)
    with pytest.raises(StoreError, match="is gone"):
        verify_snapshot(connection, snapshot)
    with pytest.raises(StoreError):
        recover_snapshot(connection, Snapshot(name, "none.snapshot", 1, ""), name)
    delete_collection(connection, name)


def own_server_points(connection: Connection, name: str) -> RawPoints:
    make(connection, name, DIMENSION, Plan())
    return open_server_points(connection, name)
