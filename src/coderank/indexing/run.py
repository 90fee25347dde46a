"""The index of one tree, kept up to date in two phases: words at once, vectors as time permits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from coderank.indexing.parts import FillReport
from coderank.indexing.sync import sync
from coderank.types import IndexReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.indexing.parts import Parts
    from coderank.indexing.sync import SyncResult
    from coderank.types import Progress


class Indexer:
    """Runs the phases over finished parts, which stay the caller's to close."""

    def __init__(self, parts: Parts) -> None:
        """Take the parts."""
        self._parts = parts

    def sync(self, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:
        """Bring the lexical index up to the tree, with those vectors that are known already.

        Raises IndexBusyError, IndexNotWritableError, IndexCorruptError and what the store raises.
        """
        started = time.monotonic()
        return self._report(sync(self._parts, on_progress), None, started)

    def fill(
        self,
        *,
        first: Sequence[str] = (),
        deadline: float | None = None,
        wait: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> FillReport:
        """Embed what has no vector yet; see :func:`coderank.indexing.fill.fill`."""
        if self._parts.manifest.filled():
            return FillReport()
        from coderank.indexing.fill import fill  # noqa: PLC0415 - numpy: 0.1 s that an unchanged tree need not pay

        return fill(self._parts, first=first, deadline=deadline, wait=wait, on_progress=on_progress)

    def index(self, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:
        """Sync, then fill until every chunk has its vector, waiting for other processes at the same work."""
        started = time.monotonic()
        synced = sync(self._parts, on_progress)
        return self._report(synced, self.fill(wait=True, on_progress=on_progress), started)

    def _report(self, synced: SyncResult, filled: FillReport | None, started: float) -> IndexReport:
        totals = self._parts.manifest.totals()
        return IndexReport(
            files=totals.files,
            chunks=totals.chunks,
            changed_files=synced.changed_files,
            deleted_files=synced.deleted_files,
            embedded_chunks=synced.embedded_chunks + (filled.embedded if filled else 0),
            reused_vectors=synced.reused_vectors + (filled.reused if filled else 0),
            dense_coverage=totals.coverage,
            filled=self._parts.manifest.filled(),
            seconds=time.monotonic() - started,
            skips=synced.skips,
        )
