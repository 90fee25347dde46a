"""Bring the shadow to what the live points say: the difference is looked at, so every run goes on where one ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import msgspec

from coderank.migration.contract import Moving, Step
from coderank.migration.looking import count_of, pages_of, present
from coderank.migration.verify import verify
from coderank.store.raw import UNNAMED, RawPoint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from coderank.migration.contract import Listener, Note, Vectors, Verified
    from coderank.store.raw import PointId, RawPoints
    from coderank.types import Vector

STEP = 256
"""Points embedded and written at once: a few seconds' work of two cores, which is what a kill loses."""


@dataclass
class Filling:
    """Carries points from the live side to the shadow, each with a new vector of one name."""

    live: RawPoints
    shadow: RawPoints
    vector: str
    vectors: Vectors
    note: Note
    on_progress: Listener | None = None
    embedded: int = 0
    """Vectors made in this run."""
    deleted: int = 0
    sums: dict[PointId, int] = field(default_factory=dict)
    """Of the payloads that the last round saw: what differs from them was written later."""
    seen: list[PointId] = field(default_factory=list)
    """Ids of the live points, as the last round saw them."""

    def round(self) -> int:
        """Take in what differs now, and return how many points did."""
        self.seen = []
        changed = 0
        total = count_of(self.live)
        for page in pages_of(self.live):
            differing = self._differing(page)
            for start in range(0, len(differing), STEP):
                self._carry(differing[start : start + STEP])
                self._tell(len(self.seen) + len(page) - len(differing) + start, total)
            self.seen += [point.id for point in page]
            self.sums.update((point.id, _sum(point)) for point in page)
            self._tell(len(self.seen), total)
            changed += len(differing)
        return changed + self._remove_extra()

    def late(self) -> int:
        """Take along what changed on the live side after the last round saw it; return how many points.

        Called after a cut-over: what was written to the new side since has the last word. Deletions are taken along
        by the run that looked, at once: later, the old points may have been deleted for not being needed.
        """
        taken = 0
        looked, gone = bool(self.seen), set(self.sums)
        for page in pages_of(self.live):
            gone.difference_update(point.id for point in page)
            changed = [point.id for point in page if self.sums.get(point.id) != _sum(point)]
            there = {point.id: _sum(point) for point in present(self.shadow, changed)}
            late = [id_ for id_ in changed if id_ not in there or there[id_] == self.sums.get(id_)]
            for start in range(0, len(late), STEP):
                self._carry(late[start : start + STEP])
            taken += len(late)
        return taken + (self._remove_gone(sorted(gone, key=str)) if looked else 0)

    def _remove_gone(self, ids: Sequence[PointId]) -> int:
        """Delete points that the live side lost, where the new one has not written them since."""
        if not ids:
            return 0
        back = {point.id for point in self.live.retrieve(ids, vectors=False)}
        there = present(self.shadow, [id_ for id_ in ids if id_ not in back])
        unchanged = [point.id for point in there if self.sums.get(point.id) == _sum(point)]
        if unchanged:
            self.shadow.delete(unchanged)
        return len(unchanged)

    def _differing(self, page: Sequence[RawPoint]) -> list[PointId]:
        there = {point.id: point.payload for point in present(self.shadow, [point.id for point in page])}
        return [point.id for point in page if there.get(point.id) != point.payload]

    def _carry(self, ids: Sequence[PointId]) -> None:
        points = present(self.live, ids, vectors=True)
        made = self.vectors.of(points)
        refused = {str(points[at].id): reason for at, reason in made.refused.items()}
        missing = {str(points[at].id): reason for at, reason in made.missing.items()}
        self.note({str(point.id) for point in points}, refused, missing)
        self.shadow.write([self._moved(point, made.vectors.get(at)) for at, point in enumerate(points)])
        self.embedded += len(made.vectors)

    def seed(self, pages: Iterable[Sequence[RawPoint]]) -> int:
        """Write vectors that were made elsewhere, of points whose payload is still what was embedded; return how many.

        Points that are there already are left alone, and those that changed since are for the next round.
        """
        written = 0
        for page in pages:
            there = {point.id: point.payload for point in present(self.shadow, [point.id for point in page])}
            made = {
                point.id: point for point in page if there.get(point.id) != point.payload and UNNAMED in point.vectors
            }
            live = present(self.live, list(made), vectors=True)
            same = [point for point in live if point.payload == made[point.id].payload]
            vectors = [cast("Vector", made[point.id].vectors[UNNAMED]) for point in same]
            self.shadow.write([self._moved(point, vector) for point, vector in zip(same, vectors, strict=True)])
            written += len(same)
        return written

    def verify(self, without: Collection[str], on_progress: Listener | None = None) -> Verified:
        """Compare the shadow with what the last round saw; raise StoreError."""
        return verify(self, without, on_progress)

    def _moved(self, point: RawPoint, vector: Vector | None) -> RawPoint:
        vectors = {name: old for name, old in point.vectors.items() if name != self.vector}
        return RawPoint(point.id, point.payload, vectors if vector is None else {**vectors, self.vector: vector})

    def _remove_extra(self) -> int:
        """Delete what the live side no longer has. With equal counts there is nothing, as all of it is there."""
        if count_of(self.shadow) == len(self.seen):
            return 0
        live = set(self.seen)
        extra = [point.id for page in pages_of(self.shadow) for point in page if point.id not in live]
        # Written since the round went past: it stays, and the next round looks at it.
        new = {point.id for point in present(self.live, extra)}
        gone = [id_ for id_ in extra if id_ not in new]
        if gone:
            self.shadow.delete(gone)
        self.deleted += len(gone)
        return len(gone)

    def _tell(self, done: int, total: int) -> None:
        if self.on_progress:
            self.on_progress(Moving(Step.EMBED, min(done, total), total))


def _sum(point: RawPoint) -> int:
    # Not Python's own hash, as it is kept for later processes; in order, as gRPC gives fields in any.
    said = msgspec.json.encode(point.payload, enc_hook=str, order="sorted")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())
