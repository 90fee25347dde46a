"""The store on a Qdrant server or cluster: the same contract, spoken over the network."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from qdrant_client import models

from coderank.errors import StoreError
from coderank.store.checks import check_points, check_request, check_vectors
from coderank.store.contract import Counts
from coderank.store.layout import DENSE, OWN, Layout
from coderank.store.ownership import OWNER
from coderank.store.payload import PATH, path_of, to_payload
from coderank.store.pin import Physical
from coderank.store.server_collection import check_made_alike, complete, make, requantize, take
from coderank.store.server_failures import CLIENT_ERRORS, is_missing, meaning
from coderank.store.server_names import aliases_of, delete_collection, metadata, point_alias, resolve
from coderank.store.server_requests import METADATA, Plan, of_paths, point_id, server_point, where, without_dense
from coderank.store.server_scoring import Searched, ranked
from coderank.store.server_writing import batches, in_flight, split_where_too_large
from coderank.types import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from qdrant_client import QdrantClient

    from coderank.store.contract import StoreQuery
    from coderank.store.fingerprint import Fingerprint
    from coderank.store.ownership import Ownership
    from coderank.store.quantization import Quantization
    from coderank.store.server_connection import Connection
    from coderank.types import Candidate, Chunk, Matrix, Point

PAGE = 1_000
"""Points per scroll, ids per read."""
LOOK_AGAIN_S = 2.0
"""How long a name is taken to stand for the same collection. Meanwhile the old one answers, with its own model's
vectors: nothing is ever compared with those of another."""
Answer = TypeVar("Answer")


class ServerStore:
    """A Store in a collection of a server. Safe to use from several threads; nothing is asked before the first use.

    ``collection`` may be an alias, unless it is Physical. What it stands for is looked up now and then, checked against
    ``fingerprint`` (what the caller's vectors are made with), and asked by its own name in between, so that a switch of
    the alias never mixes two models. At each look, what ``owned`` says has to be so: no two machines index one
    collection. ``verify`` runs at each look; ``verify_empty`` runs before a collection that does
    not exist answers with nothing, and raises if there should be points.
    """

    def __init__(  # noqa: PLR0913 - what is kept, how it is made, and what is checked at each look
        self,
        connection: Connection,
        collection: str,
        dimension: int,
        *,
        plan: Plan = Plan(),  # noqa: B008 - frozen
        layout: Layout = OWN,
        fingerprint: Fingerprint | None = None,
        owned: Ownership | None = None,
        verify: Callable[[], object] = lambda: None,
        verify_empty: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection = connection
        self._name = collection
        self._dimension = dimension
        self._plan = plan
        self._layout = layout
        self._fingerprint = fingerprint
        self._owned = owned
        self._verify = verify
        self._verify_empty = verify_empty
        self._lock = threading.Lock()
        self._target: str | None = None
        self._looked = -LOOK_AGAIN_S
        self._complete = False
        self._ours = True
        self.only_read = True
        """Whether nothing was written."""

    @property
    def exists(self) -> bool:
        """Whether the collection is there."""
        return self._resolved() is not None

    @property
    def quantization(self) -> Quantization:
        """How its vectors are compressed, and asked."""
        return self._plan.quantization

    def prepare(self) -> None:
        """Make the collection, where it is missing, before several processes write to it."""
        self._made()

    def upsert(self, points: Sequence[Point]) -> None:
        """Insert or replace whole points, with their dense vectors where given; returns when the server has them."""
        check_points(points, self._dimension)
        latest = {point.id: point for point in points}  # batches run side by side: one id must be in one of them
        in_flight(self._upsert_batch, batches(list(latest.values())))

    def set_dense(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Attach dense vectors, shape (len(ids), dimension), to those of the points that still exist."""
        check_vectors(ids, vectors, self._dimension)
        latest = dict(zip(ids, vectors, strict=True))
        pairs = [models.PointVectors(id=id_, vector={DENSE: vector.tolist()}) for id_, vector in latest.items()]
        in_flight(self._update_batch, batches(pairs))

    def move(self, chunks: Mapping[str, Chunk]) -> None:
        """Replace the payload of existing points by id; vectors stay."""
        in_flight(lambda batch: self._move_batch({id_: chunks[id_] for id_ in batch}), batches(list(chunks)))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points by id."""
        for batch in batches(ids):
            self._delete(models.PointIdsList(points=[point_id(id_) for id_ in batch]))

    def delete_paths(self, paths: Sequence[str]) -> None:
        """Remove every point of these files."""
        for batch in batches(paths):
            self._delete(models.FilterSelector(filter=of_paths(batch)))

    def query(self, request: StoreQuery) -> list[Candidate]:
        """Give the best ``limit`` points and the definitions asked for, best first, ties by (path, start_line)."""
        check_request(request, self._dimension)
        layout, quantization = self._layout, self._plan.quantization
        return self._read(lambda client, name: ranked(client, Searched(name, layout, quantization), request), [])

    def retrieve(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Chunks by id; ids that do not exist are absent."""
        found: dict[str, Chunk] = {}
        for batch in batches(ids, PAGE):
            wanted = [point_id(id_) for id_ in batch]
            nothing: list[models.Record] = []
            records = self._read(lambda client, name, wanted=wanted: client.retrieve(name, wanted), nothing)  # type: ignore[misc]
            found |= self._chunks(records)
        return found

    def chunks_of(self, paths: Sequence[str]) -> dict[str, Chunk]:
        """Every chunk of these files, by id."""
        found: dict[str, Chunk] = {}
        for batch in batches(paths):
            found |= self._chunks(self._scroll(where(Filters(paths=tuple(batch)), (), self._layout), with_payload=True))
        return found

    def without_dense(self) -> Iterator[tuple[str, str]]:
        """(id, path) of every point that has no dense vector yet; points added meanwhile may be missed."""
        for record in self._scroll(without_dense(), with_payload=[PATH]):
            yield str(record.id), path_of(record.payload)

    def set_static(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Do nothing: vectors that stand in for dense ones are kept by the embedded store alone."""

    def without_vectors(self) -> Iterator[str]:
        """Give nothing: no static vectors are kept, so none is missing."""
        return iter(())

    def paths(self) -> Iterator[str]:
        """Path of every point; one of several points comes as often."""
        return (path_of(record.payload) for record in self._scroll(None, with_payload=[PATH]))

    def counts(self) -> Counts:
        """How many points there are, and how many have a dense vector."""
        return self._read(self._counted, Counts(0, 0))

    def optimize(self) -> bool:
        """Have the vectors compressed as described now; return whether that was new. A server compacts by itself."""
        target = self._resolved()
        if target is None or self._owned is None or not self._ours:
            return False
        return requantize(self._connection, target, self._plan)

    def erase(self, then: Callable[[], object] | None = None) -> None:
        """Delete the collection, if coderank made it, then run ``then``; one that others made is refused."""
        target = resolve(self._connection, self._name)
        names: list[str] = []
        if target is not None:
            self._check_own(target, "deleted")
            names = aliases_of(self._connection, target)
            delete_collection(self._connection, target)
        self._forget()
        if isinstance(self._name, Physical) and names:  # whoever follows them is to find what is written anew
            self._made()
            for name in names:
                point_alias(self._connection, name, self._name)
        if then is not None:
            then()

    def take_over(self) -> None:
        """Be the one that indexes the collection, whoever it was, and wait until that one will have noticed."""
        target = resolve(self._connection, self._name)
        if self._owned is None or target is None:
            return
        if METADATA not in metadata(self._connection, target):
            raise self._foreign(target, "written to")
        take(self._connection, target, self._owned)
        self._forget()
        time.sleep(LOOK_AGAIN_S)

    def close(self) -> None:
        """Release the connection; the store can be used again and opens it by itself."""
        self._forget()
        self._connection.close()

    def _upsert_batch(self, batch: Sequence[Point]) -> None:
        built = [server_point(point) for point in batch]
        self._write(lambda client, name: split_where_too_large(lambda part: client.upsert(name, part), built))

    def _update_batch(self, batch: Sequence[models.PointVectors]) -> None:
        pairs = {str(pair.id): pair for pair in batch}
        self._update_existing(
            list(pairs), lambda client, name, ids: client.update_vectors(name, [pairs[id_] for id_ in ids])
        )

    def _move_batch(self, chunks: Mapping[str, Chunk]) -> None:
        operations = {
            id_: models.OverwritePayloadOperation(
                overwrite_payload=models.SetPayload(payload=to_payload(chunk), points=[id_])
            )
            for id_, chunk in chunks.items()
        }
        self._update_existing(
            list(operations),
            lambda client, name, ids: client.batch_update_points(name, [operations[id_] for id_ in ids]),
        )

    def _update_existing(self, ids: Sequence[str], ask: Callable[[QdrantClient, str, list[str]], object]) -> None:
        """Update those of the points that exist. The server ends at the first that does not, so it is asked again."""
        nothing: list[models.Record] = []
        while True:
            records = self._read(lambda client, name: client.retrieve(name, ids, with_payload=False), nothing)
            existing = sorted(str(record.id) for record in records)
            if not existing or self._write(lambda client, name: ask(client, name, existing), unless_missing=True):  # noqa: B023 - called at once
                return

    def _delete(self, selected: models.PointIdsList | models.FilterSelector) -> None:
        if self._resolved() is not None:
            self._write(lambda client, name: client.delete(name, selected))

    def _chunks(self, records: Iterable[models.Record]) -> dict[str, Chunk]:
        read = ((str(record.id), self._layout.chunk(record.payload, str(record.id))) for record in records)
        return {id_: chunk for id_, chunk in read if chunk is not None}

    def _counted(self, client: QdrantClient, name: str) -> Counts:
        points = client.count(name, exact=True).count
        dense = models.Filter(must=[models.HasVectorCondition(has_vector=self._layout.dense)])
        return Counts(points, client.count(name, count_filter=dense, exact=True).count)

    def _scroll(self, among: models.Filter | None, *, with_payload: bool | list[str]) -> Iterator[models.Record]:
        offset: models.ExtendedPointId | None = None
        while True:
            ask = _page(among, offset, with_payload)
            nothing: tuple[list[models.Record], models.ExtendedPointId | None] = ([], None)
            records, offset = self._read(ask, nothing)
            yield from records
            if offset is None:
                return

    def _read(self, ask: Callable[[QdrantClient, str], Answer], otherwise: Answer) -> Answer:
        """Ask the server; ``otherwise`` is the answer of a collection that was never made."""
        for last in (False, True):
            target = self._resolved()
            if target is None:
                self._verify_empty()
                return otherwise
            try:
                return self._connection.once(lambda client: ask(client, target))  # noqa: B023 - called at once
            except CLIENT_ERRORS as error:
                if last or not is_missing(error):
                    raise meaning(error, self._connection.url) from error
                self._forget()  # dropped meanwhile: the name may stand for another
        raise AssertionError

    def _write(self, ask: Callable[[QdrantClient, str], object], *, unless_missing: bool = False) -> bool:
        """Write, and return whether it was done; False only with ``unless_missing``, where a point is not there."""
        self.only_read = False
        target = self._made()
        try:
            self._connection.once(lambda client: ask(client, target), writes=True)
        except CLIENT_ERRORS as error:
            if unless_missing and is_missing(error):
                return False
            raise meaning(error, self._connection.url) from error
        return True

    def _resolved(self) -> str | None:
        with self._lock:
            if self._target is None or time.monotonic() - self._looked > LOOK_AGAIN_S:
                self._look()
            return self._target

    def _look(self) -> None:
        self._verify()
        found = resolve(self._connection, self._name)
        if found is not None and (found != self._target or self._owned):
            info = self._connection.call(lambda client: client.get_collection(found))
            where = f"{self._connection.url} {found}"
            check_made_alike(
                info, self._dimension, self._layout, self._fingerprint, where, indexed_here=self._owned is not None
            )
            if self._owned:
                self._owned.check(info.config.metadata, where)
            said = info.config.metadata or {}
            self._complete = complete(info) and (OWNER in said or not self._owned)
            self._ours = METADATA in said
        self._target, self._looked = found, time.monotonic()

    def _made(self) -> str:
        """Make the collection where it is missing, or what is missing of it, and return its own name."""
        if self._layout is not OWN:
            raise StoreError(f"The collection {self._name} belongs to another program, and is only read")
        target = self._resolved()
        if target is not None and not self._ours:
            raise self._foreign(target, "written to")
        if target is not None and self._complete:
            return target
        with self._lock:
            name = target or self._name
            make(self._connection, name, self._dimension, self._plan, self._fingerprint, self._owned)
            self._target, self._looked, self._complete = name, time.monotonic(), True
            return name

    def _check_own(self, target: str, done: str) -> None:
        said = metadata(self._connection, target)
        if METADATA not in said:
            raise self._foreign(target, done)
        if self._owned:
            self._owned.check(said, f"{self._connection.url} {target}")

    def _foreign(self, target: str, done: str) -> StoreError:
        return StoreError(
            f"The collection {target} at {self._connection.url} was not made by coderank, and is not {done}",
            "Configure another name as store.collection, or delete that collection yourself",
        )

    def _forget(self) -> None:
        with self._lock:
            self._target, self._looked, self._complete = None, -LOOK_AGAIN_S, False


def _page(
    among: models.Filter | None,
    offset: models.ExtendedPointId | None,
    with_payload: bool | list[str],  # noqa: FBT001
) -> Callable[[QdrantClient, str], tuple[list[models.Record], models.ExtendedPointId | None]]:
    return lambda client, name: client.scroll(
        name, scroll_filter=among, offset=offset, limit=PAGE, with_payload=with_payload
    )
