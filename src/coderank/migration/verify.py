"""Whether the shadow holds what the live points say, and whether its vectors are those of the model."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import StoreError
from coderank.migration.contract import Moving, Step, Verified
from coderank.migration.looking import count_of, present

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coderank.migration.contract import Listener, Vectors
    from coderank.migration.shadow import Filling
    from coderank.store.raw import PointId, RawPoint, RawPoints
    from coderank.types import Vector

SAMPLE = 64
"""Points that are embedded once more: a shadow of which 5 % are wrong passes in 4 of 100 cases."""
SEED = 7
MIN_COSINE = 0.98
"""How near a second embedding must come to the stored vector. 8-bit models give other vectors to a text alone than to
the same text in a batch: the bar of `coderank models export` for such files holds here, too. Another text, another
model or another pooling stay far below."""


def verify(filling: Filling, without: Collection[str], on_progress: Listener | None = None) -> Verified:
    """Compare counts, and of a sample of points payloads, carried vectors and new vectors; raise StoreError.

    That all payloads are equal is what a round without a difference says; here the stored vectors are looked at.
    ``without`` are the ids of points that have no new vector for a reason that was recorded.
    """
    ids = filling.seen
    if count_of(filling.shadow) != len(ids):
        raise failed(f"{len(ids)} points became {count_of(filling.shadow)}")
    new = sampled(filling.shadow, ids)
    old = {point.id: point for point in present(filling.live, [point.id for point in new], vectors=True)}
    # What is not there any more, or is another, was written meanwhile: the next round takes it in.
    for after in new:
        if after.id in old and old[after.id].payload == after.payload:
            _check_carried(old[after.id], after, filling.vector)
    having = [point for point in new if str(point.id) not in without]
    return Verified(len(ids), len(having), checked_vectors(having, filling.vector, filling.vectors, on_progress))


def sampled(points: RawPoints, ids: Sequence[PointId]) -> list[RawPoint]:
    """Give points drawn from those with ``ids``, whole; raise StoreError where one of them is lost."""
    drawn = random.Random(SEED).sample(range(len(ids)), min(SAMPLE, len(ids)))  # noqa: S311 - no secret
    chosen = [ids[at] for at in sorted(drawn)]
    found = present(points, chosen, vectors=True)
    if len(found) != len(chosen):
        raise failed("points of the sample are lost")
    return found


def checked_vectors(points: list[RawPoint], vector: str, vectors: Vectors, on_progress: Listener | None) -> float:
    """Embed points once more, and return the worst cosine with the stored vector; raise StoreError below the bar."""
    worst = _worst(points, vector, vectors, on_progress)
    if worst < MIN_COSINE:
        raise failed(f"a second embedding of a sampled text has cosine {worst:.4f} with the stored vector")
    return worst


def _check_carried(before: RawPoint, after: RawPoint, vector: str) -> None:
    for name in before.vectors.keys() - {vector}:
        old, kept = before.vectors[name], after.vectors.get(name)
        same = (
            np.array_equal(old, kept) if isinstance(old, np.ndarray) and isinstance(kept, np.ndarray) else old == kept
        )
        if not same:
            raise failed(f"the vector {name!r} of {before.id} differs")


def _worst(points: list[RawPoint], vector: str, vectors: Vectors, on_progress: Listener | None) -> float:
    worst = 1.0
    for done, point in enumerate(points, start=1):
        stored = point.vectors.get(vector)
        if not isinstance(stored, np.ndarray):
            raise failed(f"{point.id} has no vector")
        # One that was kept for the same content may have been embedded under another path, as indexing has it.
        worst = min(worst, max((_cosine(stored, again) for again in vectors.again(point)), default=-1.0))
        if on_progress:
            on_progress(Moving(Step.VERIFY, done, len(points)))
    return worst


def _cosine(one: Vector, other: Vector) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) or 1.0))


def failed(what: str) -> StoreError:
    """Make the error of new points that cannot be taken into use."""
    return StoreError(
        f"The new points are not what they should be: {what}; nothing was cut over",
        "Begin the new points anew: coderank migrate --force, with the arguments of before",
    )
