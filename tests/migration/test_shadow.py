"""The difference between two sides is looked at, whatever happened before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.indexing.indexing_world import HashEmbedder

from coderank.errors import IndexNotFoundError, ModelError, StoreError
from coderank.migration.looking import written_since
from coderank.migration.shadow import Filling
from coderank.migration.text import FieldTexts
from coderank.migration.vectors import Embedding
from coderank.migration.verify import verify
from coderank.store.adopt import Fields
from coderank.store.raw import PointId, RawPoint, VectorSpec, in_order_of


@dataclass
class MemoryPoints:
    """RawPoints in a dictionary; none where nothing was written."""

    points: dict[PointId, RawPoint] = field(default_factory=dict)

    def specs(self) -> tuple[VectorSpec, ...]:
        return (VectorSpec("", 16, "Cosine"),)

    def count(self) -> int:
        if not self.points:
            raise IndexNotFoundError("nothing")
        return len(self.points)

    def pages(self, *, vectors: bool, size: int = 4, after: PointId | None = None) -> Iterator[list[RawPoint]]:
        ids = sorted(self.points, key=str)
        for start in range(0, len(ids), 4):
            yield [self.points[id_] for id_ in ids[start : start + 4] if id_ in self.points]

    def retrieve(self, ids: Sequence[PointId], *, vectors: bool) -> list[RawPoint]:
        return in_order_of(ids, [self.points[id_] for id_ in ids if id_ in self.points])

    def write(self, points: Sequence[RawPoint]) -> None:
        self.points.update((point.id, point) for point in points)

    def delete(self, ids: Sequence[PointId]) -> None:
        for id_ in ids:
            self.points.pop(id_, None)

    def close(self) -> None:
        """Hold nothing."""


def point(number: int, text: str = "") -> RawPoint:
    payload: dict[str, Any] = {"text": text or f"text {number}", "n": number}
    return RawPoint(number, payload, {"": np.ones(4, np.float32), "other": np.full(2, number, np.float32)})


def filling(live: MemoryPoints, embedder: HashEmbedder, noted: list[tuple[Any, ...]] | None = None) -> Filling:
    vectors = Embedding(FieldTexts(Fields(("text",))), lambda: embedder, 16)
    told = [] if noted is None else noted
    return Filling(live, MemoryPoints(), "", vectors, lambda *what: told.append(what))


def test_rounds_take_in_what_differs_and_nothing_else() -> None:
    live, embedder = MemoryPoints({number: point(number) for number in range(10)}), HashEmbedder()
    work = filling(live, embedder)
    assert [work.round(), work.round()] == [10, 0]
    live.write([point(3, "changed"), point(11)])
    live.delete([5])
    assert [work.round(), work.round()] == [3, 0]
    assert len(embedder.texts) == 12
    assert {id_: one.payload for id_, one in work.shadow.points.items()} == {  # type: ignore[attr-defined]
        id_: one.payload for id_, one in live.points.items()
    }
    assert verify(work, set()).sampled == 10


def test_what_was_written_at_the_last_moment_is_taken_along_unless_the_new_side_knows_better() -> None:
    live = MemoryPoints({number: point(number) for number in range(10)})
    work = filling(live, HashEmbedder())
    work.round()
    live.write([point(1, "old side"), point(2, "old side"), point(20)])  # after the round, before the cut-over
    live.delete([5, 6])
    work.shadow.write([point(2, "new side"), point(6, "new side"), point(30)])  # after the cut-over
    assert work.late() == 3
    assert [one.id for one in work.shadow.retrieve([5, 6], vectors=False)] == [6]
    found = {one.id: one.payload["text"] for one in work.shadow.retrieve([1, 2, 20, 30], vectors=False)}
    assert found == {1: "old side", 2: "new side", 20: "text 20", 30: "text 30"}
    assert written_since(live, work.shadow) == 3


def test_what_was_deleted_after_a_kill_at_the_cut_over_stays_on_the_new_side() -> None:
    live = MemoryPoints({number: point(number) for number in range(10)})
    work = filling(live, HashEmbedder())
    work.round()
    later = Filling(live, work.shadow, "", work.vectors, work.note, sums=work.sums)
    live.delete(range(1, 10))
    assert (later.late(), later.shadow.count()) == (0, 10)


def test_refused_and_missing_texts_are_told_before_they_are_written() -> None:
    live = MemoryPoints({number: point(number) for number in range(3)})
    live.write([RawPoint(3, {"n": 3}, {}), point(4, "bad")])
    noted: list[tuple[Any, ...]] = []
    work = filling(live, HashEmbedder(refuse="bad"), noted)
    work.round()
    assert [ids for ids, _, _ in noted] == [{"0", "1", "2", "3"}, {"4"}]
    assert [refused for _, refused, _ in noted] == [{}, {"4": "cannot embed bad"}]
    assert [missing for _, _, missing in noted] == [{"3": "there is no text in text"}, {}]
    assert "" not in work.shadow.retrieve([4], vectors=True)[0].vectors
    assert verify(work, {"3", "4"}).sampled == 3
    with pytest.raises(StoreError, match="4 has no vector"):
        verify(work, {"3"})


def test_a_model_that_refuses_everything_is_at_fault_itself() -> None:
    live = MemoryPoints({number: point(number) for number in range(20)})
    with pytest.raises(ModelError, match="refused every text"):
        filling(live, HashEmbedder(refuse="text")).round()


@pytest.mark.parametrize("spoil", ["vector", "other", "lost"])
def test_new_points_that_are_wrong_are_found(spoil: str) -> None:
    live = MemoryPoints({number: point(number) for number in range(10)})
    work = filling(live, HashEmbedder())
    work.round()
    (one,) = work.shadow.retrieve([7], vectors=True)
    wrong = {"vector": {"": -np.asarray(one.vectors[""])}, "other": {"other": np.zeros(2, np.float32)}, "lost": {}}
    if spoil == "lost":
        work.shadow.delete([7])
    else:
        work.shadow.write([RawPoint(7, one.payload, {**one.vectors, **wrong[spoil]})])
    with pytest.raises(StoreError, match="nothing was cut over"):
        verify(work, set())
