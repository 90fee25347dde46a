"""What both engines of Qdrant give for a point, as a raw point: they name the same fields in classes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coderank.store.raw import UNNAMED, RawPoint
from coderank.types import SparseVector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coderank.types import Vector


def raw_points(records: Iterable[Any], sparse: type[Any]) -> Iterator[RawPoint]:
    """Convert records; ``sparse`` is the class in which their engine gives sparse vectors."""
    for record in records:
        id_ = record.id if isinstance(record.id, int) else str(record.id)
        yield RawPoint(id_, record.payload or {}, _vectors(record.vector, sparse))


def _vectors(stored: Any, sparse: type[Any]) -> dict[str, Vector | SparseVector]:
    named = stored if isinstance(stored, dict) else {} if stored is None else {UNNAMED: stored}
    return {
        name: SparseVector(tuple(vector.indices), tuple(vector.values))
        if isinstance(vector, sparse)
        else np.asarray(vector, np.float32)
        for name, vector in named.items()
    }
