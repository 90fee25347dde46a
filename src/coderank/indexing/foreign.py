"""An index whose points another program writes: searched as it is, compared with no files, and never written."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from coderank.errors import InvalidQueryError, UsageError
from coderank.indexing.generation import Generation
from coderank.indexing.manifest import Totals
from coderank.indexing.parts import FillReport
from coderank.indexing.run import Indexer
from coderank.types import IndexReport, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coderank.indexing.generation import Home
    from coderank.models.catalogue import Model
    from coderank.types import Progress

COUNT_AGAIN_S = 30.0
"""How long a count is told again: counting a hundred million points exactly takes a server a second."""


class ForeignGeneration(Generation):
    """The points as they are now. There is one generation: what another program does with them is its own affair."""

    ours = False

    def __init__(self, home: Home, model: Model) -> None:
        """Take what was found out, and the model that made the vectors."""
        super().__init__(home, model)
        self._counted: tuple[float, Totals] | None = None

    @cached_property
    def indexer(self) -> Indexer:
        """What leaves the points alone."""
        return _Idle(self)

    def refresh(self) -> NoReturn:
        """Refuse: whoever asks for that wants an index made."""
        raise self.not_ours()

    def make(self) -> None:
        """Do nothing: there is nothing to make."""

    def is_met(self) -> bool:
        """True: whether the points are there is seen when they are asked for."""
        return True

    def known(self) -> Totals:
        """Count the points, not more often than every COUNT_AGAIN_S."""
        return self.totals()

    def totals(self) -> Totals:
        """Count the points, not more often than every COUNT_AGAIN_S."""
        now = time.monotonic()
        if self._counted is None or now - self._counted[0] > COUNT_AGAIN_S:
            counts = self.store.counts()
            self._counted = now, Totals(0, counts.points, counts.dense)
        return self._counted[1]

    def paths(self) -> Iterable[str]:
        """Refuse: which paths there are is not known without reading every point."""
        raise InvalidQueryError(
            f"{self.home.tree.name} is written by another program, whose paths cannot be restricted by globs",
            "Leave --path out",
        )

    def status(self) -> Status:
        """Tell how many points there are."""
        totals = self.totals()
        return Status(
            root=self.home.tree.name,
            index_dir="",
            model=self.model.name,
            files=0,
            chunks=totals.chunks,
            dense_coverage=totals.coverage,
            languages=(),
            skips=(),
            bytes_on_disk=0,
            changed_since=0,
        )

    def take_over(self) -> NoReturn:
        """Refuse to index what another program writes."""
        raise self.not_ours()

    def erase(self) -> NoReturn:
        """Refuse to build anew what another program builds."""
        raise self.not_ours()

    def not_ours(self) -> UsageError:
        """Make the error of a request to index."""
        return UsageError(
            f"{self.home.tree.name} has no sources: another program writes it, and it is only searched",
            "Give it sources, and another store.collection, to have an index of coderank's own",
        )


class _Idle(Indexer):
    def __init__(self, generation: ForeignGeneration) -> None:
        self._generation = generation

    def sync(self, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:  # noqa: ARG002 - as its base
        totals = self._generation.totals()
        return IndexReport(
            files=0,
            chunks=totals.chunks,
            changed_files=0,
            deleted_files=0,
            embedded_chunks=0,
            reused_vectors=0,
            dense_coverage=totals.coverage,
            seconds=0.0,
            filled=True,
        )

    def fill(
        self,
        *,
        first: Sequence[str] = (),  # noqa: ARG002
        deadline: float | None = None,  # noqa: ARG002
        wait: bool = False,  # noqa: ARG002
        on_progress: Callable[[Progress], None] | None = None,  # noqa: ARG002
    ) -> FillReport:
        return FillReport()

    def index(self, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:
        return self.sync(on_progress)
