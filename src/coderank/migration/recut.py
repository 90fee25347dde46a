"""Points cut anew from their source: grown beside the live ones, with those vectors that are known already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from coderank.migration.contract import Moving, Step, Verified
from coderank.migration.looking import count_of, pages_of
from coderank.migration.plan import TRIAL, WARM_UP, Cut
from coderank.migration.text import NoTextError
from coderank.migration.verify import checked_vectors, failed, sampled
from coderank.store.raw import UNNAMED
from coderank.types import IndexPhase, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from coderank.migration.contract import Cache, Listener, Note
    from coderank.migration.vectors import Embedding
    from coderank.store.raw import PointId, RawPoint, RawPoints
    from coderank.types import Vector


class Source(Protocol):
    """What is cut, and grows: indexing knows how."""

    def grow(self, on_progress: Callable[[Progress], None] | None = None) -> Grown:
        """Bring the new points up to the source."""
        ...

    def count(self) -> int:
        """Tell how many points there should be."""
        ...

    def pages(self) -> Iterator[list[RawPoint]]:
        """Give the points as they would be, without vectors."""
        ...

    def differing(self, points: Collection[RawPoint]) -> list[str]:
        """Name those of the points that the source does not say."""
        ...


class Grown(Protocol):
    """What one look at the source changed."""

    @property
    def files(self) -> int:
        """How many files were new, changed or gone."""
        ...

    @property
    def embedded(self) -> int:
        """How many vectors were computed."""
        ...

    @property
    def bare(self) -> dict[str, str]:
        """Points without a vector, and why."""
        ...


@dataclass
class Recutting:
    """Grows the new points from their source; the live ones give what vectors they have of the same model."""

    source: Source
    live: RawPoints
    shadow: RawPoints
    vector: str
    vectors: Embedding
    cache: Cache
    note: Note
    same_vectors: bool
    """Whether the live points were embedded as the new ones are: by one model, under one kind of header."""
    on_progress: Listener | None = None
    embedded: int = 0
    sums: dict[PointId, int] = field(default_factory=dict)
    """None: only syncs write what is cut."""
    seen: list[PointId] = field(default_factory=list)
    _seeded: bool = False

    def seed(self, pages: Iterable[Sequence[RawPoint]]) -> int:
        """Remember vectors that were made elsewhere by what they are of; return how many."""
        return sum(self._remember(page, UNNAMED) for page in pages)

    def round(self) -> int:
        """Take in what differs now, and return how many files did, and vectors were computed."""
        if self.same_vectors and not self._seeded:
            for page in self.live.pages(vectors=True):
                self._remember(page, self.vector)
            self._seeded = True
        grown = self.source.grow(self._told)
        self.embedded += grown.embedded
        self.seen = [point.id for page in pages_of(self.shadow) for point in page]
        self.note(set(map(str, self.seen)), grown.bare, {})
        return grown.files + grown.embedded

    def late(self) -> int:
        """Do nothing: what changes in the source after the last round is for the next sync."""
        return 0

    def verify(self, without: Collection[str], on_progress: Listener | None = None) -> Verified:
        """Compare counts with the record of the files, a sample of the points with the source, and their vectors."""
        if not count_of(self.shadow) == len(self.seen) == self.source.count():
            raise failed(f"{count_of(self.shadow)} points were written of {self.source.count()} that were cut")
        sample = sampled(self.shadow, self.seen)
        if wrong := self.source.differing(sample):
            raise failed(f"the source does not say what {wrong[0]} says")
        having = [point for point in sample if str(point.id) not in without]
        worst = checked_vectors(having, self.vector, self.vectors, on_progress)
        return Verified(len(self.seen), len(having), worst)

    def look(self) -> Cut:
        """Cut the source without writing anything, and tell how many of its vectors are known."""
        known = set(self._live_keys()) if self.same_vectors else set[bytes]()
        cut = reused = 0
        sample: list[RawPoint] = []
        for page in self.source.pages():
            keys = [self._key(point) for point in page]
            there = known | self.cache.get(keys).keys()
            cut += len(page)
            reused += sum(key in there for key in keys)
            sample += page[: max(0, TRIAL + WARM_UP - len(sample))]
        return Cut(cut, reused, sample)

    def _told(self, event: Progress) -> None:
        if self.on_progress:
            step = Step.EMBED if event.phase is IndexPhase.EMBED else Step.CUT
            self.on_progress(Moving(step, event.done, event.total))

    def _live_keys(self) -> Iterator[bytes]:
        for page in pages_of(self.live):
            yield from filter(None, map(self._key, page))

    def _remember(self, page: Sequence[RawPoint], vector: str) -> int:
        keys = {key: point for point in page if vector in point.vectors and (key := self._key(point))}
        if keys:
            self.cache.put(list(keys), np.stack([cast("Vector", point.vectors[vector]) for point in keys.values()]))
        return len(keys)

    def _key(self, point: RawPoint) -> bytes:
        try:
            return self.vectors.texts.of(point).key
        except NoTextError:
            return b""
