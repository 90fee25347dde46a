"""Compressions tried out on a Qdrant server: a collection made for it, deleted again at the end."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from qdrant_client import models

from coderank.errors import ServerUnavailableError
from coderank.store.bench import Sizes
from coderank.store.server_names import delete_collection
from coderank.store.server_requests import quantization_config, search_params
from coderank.store.server_writing import batches, in_flight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from coderank.store.quantization import Quantization
    from coderank.store.server_connection import Connection
    from coderank.types import Matrix, Vector

PREFIX = "coderank-bench-"
"""Begins the name of the collection, in case it is left behind: a process that is killed deletes nothing."""
INDEXING_S = 600.0
"""How long the server may take to compress and link a sample: 20,000 vectors take it about 10 s."""
_POLL_S = 0.5
_WHOLE = 2
"""Bytes a number of the vectors themselves: float16, as collections of ours store them."""


class ServerBench:
    """A Bench in a collection of its own. Nobody can look at a server's files, so sizes are computed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
        self.engine = connection.url

    def build(self, vectors: Matrix, quantization: Quantization) -> Sizes:
        """Store these vectors in a fresh collection, and wait until the server has compressed and linked them."""
        if quantization.kind == "turbo":
            self._connection.require("TurboQuant")
        delete_collection(self._connection, self._name)
        dense = models.VectorParams(
            size=vectors.shape[1],
            distance=models.Distance.COSINE,
            datatype=models.Datatype.FLOAT16,
            quantization_config=quantization_config(quantization),
        )
        at_once = models.OptimizersConfigDiff(indexing_threshold=1)
        self._connection.call(
            lambda client: (
                client.collection_exists(self._name)
                or client.create_collection(self._name, dense, optimizers_config=at_once)
            ),
            writes=True,
        )
        points = [models.PointStruct(id=number, vector=row.tolist()) for number, row in enumerate(vectors)]
        in_flight(self._upsert, batches(points))
        self._wait()
        compressed, whole = quantization.bytes_per_vector(vectors.shape[1]), float(vectors.shape[1] * _WHOLE)
        return Sizes(compressed or whole, whole + compressed, measured=False)

    def search(self, query: Vector, limit: int, quantization: Quantization) -> list[int]:
        """Numbers of the nearest vectors, best first."""
        params = search_params(quantization)
        answer = self._connection.call(
            lambda client: client.query_points(
                self._name, query=query.tolist(), search_params=params, limit=limit, with_payload=False
            )
        )
        return [int(point.id) for point in answer.points]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        delete_collection(self._connection, self._name)

    def _upsert(self, batch: Sequence[models.PointStruct]) -> None:
        self._connection.call(lambda client: client.upsert(self._name, list(batch)), writes=True)

    def _wait(self) -> None:
        """Return when the optimizer has nothing to do twice in a row: it starts a moment after the last write."""
        deadline, still = time.monotonic() + INDEXING_S, 0
        while still < 2:
            info = self._connection.call(lambda client: client.get_collection(self._name))
            still = still + 1 if info.status == models.CollectionStatus.GREEN else 0
            if time.monotonic() > deadline:
                raise ServerUnavailableError(
                    f"{self._connection.url} did not index a sample within {INDEXING_S:g} s",
                    "Ask for a smaller one, or try when the server has less to do",
                )
            if still < 2:
                time.sleep(_POLL_S)
