"""The raw points of a collection on a server, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qdrant_client import models

from coderank.store.raw import RAW_PAGE, UNNAMED, PointId, RawPoint, VectorSpec, in_order_of
from coderank.store.records import raw_points
from coderank.store.server_collection import dense_vectors
from coderank.store.server_failures import CLIENT_ERRORS, meaning
from coderank.store.server_requests import server_sparse
from coderank.store.server_writing import batches, in_flight, split_where_too_large
from coderank.types import SparseVector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from qdrant_client import QdrantClient

    from coderank.store.server_connection import Connection

Answer = TypeVar("Answer")


def open_server_points(connection: Connection, collection: str) -> ServerPoints:
    """Open the points of a collection, by its own name or an alias; nothing is asked before the first use."""
    return ServerPoints(connection, collection)


class ServerPoints:
    """RawPoints of a collection on a server. A collection that does not exist is a StoreError."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection = connection
        self.collection = collection

    def specs(self) -> tuple[VectorSpec, ...]:
        """Which vectors the points may have, by name."""
        info = self._asked(lambda client: client.get_collection(self.collection))
        dense = [
            VectorSpec(name, params.size, params.distance.value, multi=params.multivector_config is not None)
            for name, params in dense_vectors(info).items()
        ]
        sparse = [
            VectorSpec(name, 0, "", sparse=True, idf=params.modifier == models.Modifier.IDF)
            for name, params in (info.config.params.sparse_vectors or {}).items()
        ]
        return tuple(sorted([*dense, *sparse], key=lambda spec: spec.name))

    def count(self) -> int:
        """How many points there are, exactly."""
        return self._asked(lambda client: client.count(self.collection, exact=True)).count

    def pages(self, *, vectors: bool, size: int = RAW_PAGE, after: PointId | None = None) -> Iterator[list[RawPoint]]:
        """Give all points in the order of their ids, those after ``after`` if it is given."""
        while True:
            # The server's offset is inclusive: one more is asked for, and the one before is left out.
            asked = size if after is None else size + 1
            records, following = self._asked(_page(self.collection, after, asked, vectors=vectors))
            page = [point for point in raw_points(records, models.SparseVector) if point.id != after][:size]
            if page:
                yield page
                after = page[-1].id
            if following is None and len(records) < asked:
                return

    def retrieve(self, ids: Sequence[PointId], *, vectors: bool) -> list[RawPoint]:
        """Points by id, in the order of the ids; those that do not exist are absent."""
        found: list[RawPoint] = []
        for batch in batches(ids, RAW_PAGE):
            records = self._asked(_read(self.collection, batch, vectors=vectors))
            found += raw_points(records, models.SparseVector)
        return in_order_of(ids, found)

    def write(self, points: Sequence[RawPoint]) -> None:
        """Insert or replace whole points; returns when the server has them."""
        latest = {point.id: point for point in points}  # batches run side by side: one id must be in one of them
        in_flight(self._upsert, batches(list(latest.values())))

    def delete(self, ids: Sequence[PointId]) -> None:
        """Remove points by id; those that do not exist are ignored."""
        for batch in batches(ids):
            selected = models.PointIdsList(points=list(batch))
            self._asked(lambda client, selected=selected: client.delete(self.collection, selected), writes=True)  # type: ignore[misc]

    def close(self) -> None:
        """Release the connection; the points can be used again."""
        self._connection.close()

    def _upsert(self, batch: Sequence[RawPoint]) -> None:
        built = [_server_point(point) for point in batch]
        self._asked(
            lambda client: split_where_too_large(lambda part: client.upsert(self.collection, part), built), writes=True
        )

    def _asked(self, ask: Callable[[QdrantClient], Answer], *, writes: bool = False) -> Answer:
        try:
            return self._connection.once(ask, writes=writes)
        except CLIENT_ERRORS as error:
            raise meaning(error, self._connection.url) from error


def _page(
    collection: str, after: PointId | None, limit: int, *, vectors: bool
) -> Callable[[QdrantClient], tuple[list[models.Record], models.ExtendedPointId | None]]:
    return lambda client: client.scroll(collection, offset=after, limit=limit, with_payload=True, with_vectors=vectors)


def _read(collection: str, ids: Sequence[PointId], *, vectors: bool) -> Callable[[QdrantClient], list[models.Record]]:
    return lambda client: client.retrieve(collection, ids, with_payload=True, with_vectors=vectors)


def _server_point(point: RawPoint) -> models.PointStruct:
    vectors: dict[str, Any] = {
        name: server_sparse(vector) if isinstance(vector, SparseVector) else vector.tolist()
        for name, vector in point.vectors.items()
    }
    alone = list(vectors) == [UNNAMED]
    return models.PointStruct(id=point.id, vector=vectors[UNNAMED] if alone else vectors, payload=point.payload)
