"""Phase two: give every point its dense vector. Long, one process at a time, stops and resumes at any moment."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from coderank.corpus.header import dense_text
from coderank.corpus.identity import vector_key
from coderank.embedding.refusals import embed_accepted
from coderank.errors import ModelError, StoreError
from coderank.indexing.lock import held
from coderank.indexing.pace import Pace
from coderank.indexing.parts import FillReport
from coderank.indexing.priority import order
from coderank.indexing.vector_cache import rounded
from coderank.types import IndexPhase, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.embedding.contract import Embedder
    from coderank.indexing.parts import Parts
    from coderank.types import Chunk, Vector

SLICE = 512
"""Chunks looked up at once. They are embedded and stored in smaller steps (``pace``)."""
WAIT_S = 3600.0
"""How long a caller that wants to wait does so: another process may be embedding a large tree for the first time."""
HOPELESS = 16
"""Texts refused in a row, with none accepted before, after which the model rather than a text is at fault."""

log = logging.getLogger(__name__)


def fill(
    parts: Parts,
    *,
    first: Sequence[str] = (),
    deadline: float | None = None,
    wait: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> FillReport:
    """Embed chunks that have no vector, those with an id in ``first`` before the others.

    It ends when nothing is left, or at ``deadline`` (seconds of time.monotonic). If another process is at it, this one
    leaves it to that unless ``wait``. Raises ModelError if the model cannot be used at all, IndexNotWritableError,
    and what the store raises.
    """
    patience = 0.0 if not wait else WAIT_S if deadline is None else max(0.0, deadline - time.monotonic())
    with held(parts.folder / "fill.lock", patience) as mine:
        return _Fill(parts, first, Pace(deadline), on_progress).run() if mine else FillReport()


class _Fill:
    def __init__(
        self, parts: Parts, first: Sequence[str], pace: Pace, on_progress: Callable[[Progress], None] | None
    ) -> None:
        self._parts = parts
        self._first = first
        self._pace = pace
        self._on_progress = on_progress
        self._embedder: Embedder | None = None
        self._embedded = self._reused = 0
        self._failed: dict[str, str] = {}
        self._written: set[str] = set()

    def run(self) -> FillReport:
        self._stand_in()
        while self._pass():
            pass
        self._parts.manifest.count_dense(self._parts.store.counts().dense)
        return FillReport(self._embedded, self._reused, tuple(self._failed.values()))

    def _stand_in(self) -> None:
        """Give static vectors to points that have none of either kind: an older coderank wrote them, or another table.

        There are thousands a second, so this comes before everything else.
        """
        early = self._parts.early
        if early is None or early.is_own:
            return
        ids = list(self._parts.store.without_vectors())
        if not ids:
            return
        with held(self._parts.folder / "sync.lock", 0.0) as mine:
            if not mine:  # what is just indexed gets its vectors by that, and the next fill looks at the rest again
                return
            self._parts.check_to_write()
        for start in range(0, len(ids), SLICE):
            if not self._pace.left():
                return
            self._parts.check()
            chunks = self._parts.store.retrieve(ids[start : start + SLICE])
            vectors = early.embedder().embed_documents([dense_text(chunk) for chunk in chunks.values()])
            self._parts.store.set_static(list(chunks), vectors)

    def _pass(self) -> bool:
        """Work off what is pending now, and tell whether to look again."""
        revision = self._parts.manifest.revision()
        pending = [(id_, path) for id_, path in self._parts.store.without_dense() if id_ not in self._failed]
        if not pending:
            # Those that the model refused are not tried again before something changes.
            self._parts.manifest.mark_filled(revision)
            return False
        if not self._written.isdisjoint(id_ for id_, _ in pending):
            raise StoreError(f"The index of {self._parts.tree.name} does not keep vectors", "Run `coderank doctor`")
        modified = {row.path: row.mtime_ns for row in self._parts.manifest.files()}
        ids = order(pending, first=self._first, modified=modified)
        self._tell(len(ids))
        for start in range(0, len(ids), SLICE):
            if not self._slice(ids[start : start + SLICE], len(ids)):
                return False
            if self._parts.manifest.revision() != revision:
                self._written.clear()  # another process may have written these points anew
                return True
        return True

    def _slice(self, ids: Sequence[str], total: int) -> bool:
        """Give these points their vectors, and tell whether there was time for all."""
        self._parts.check()
        chunks = self._parts.store.retrieve(ids)
        of_key: dict[bytes, list[str]] = {}
        for id_ in ids:
            if id_ in chunks:
                of_key.setdefault(vector_key(chunks[id_]), []).append(id_)
        known = self._parts.cache.get(list(of_key))
        self._store(known, of_key, total)
        self._reused += sum(len(of_key[key]) for key in known)
        missing = [key for key in of_key if key not in known]
        while missing and self._pace.left():
            step = missing[: self._pace.step(len(missing))]
            del missing[: len(step)]
            self._embed_and_store({key: chunks[of_key[key][0]] for key in step}, of_key, total)
        return not missing and self._pace.left()

    def _embed_and_store(self, work: dict[bytes, Chunk], of_key: dict[bytes, list[str]], total: int) -> None:
        started = time.monotonic()
        vectors = self._embed(work, of_key)
        if vectors:
            self._parts.cache.put(list(vectors), np.stack(list(vectors.values())))
            self._store(vectors, of_key, total)
        self._embedded += len(vectors)
        self._reused += sum(len(of_key[key]) - 1 for key in vectors)
        self._pace.record(len(work), time.monotonic() - started)

    def _store(self, vectors: dict[bytes, Vector], of_key: dict[bytes, list[str]], total: int) -> None:
        pairs = [(id_, vector) for key, vector in vectors.items() for id_ in of_key[key]]
        if not pairs:
            return
        self._parts.store.set_dense([id_ for id_, _ in pairs], np.stack([vector for _, vector in pairs]))
        self._written.update(id_ for id_, _ in pairs)
        # Counted as it goes: another process that searches or asks for the status sees how far this one is.
        self._parts.manifest.count_dense(self._parts.store.counts().dense)
        self._tell(total)

    def _tell(self, total: int) -> None:
        if self._on_progress:
            self._on_progress(Progress(IndexPhase.EMBED, min(len(self._written), total), total))

    def _embed(self, work: dict[bytes, Chunk], of_key: dict[bytes, list[str]]) -> dict[bytes, Vector]:
        """Embed by key; what the model refuses is named and left out."""
        if self._embedder is None:
            self._embedder = self._parts.embedder()
        keys = list(work)
        vectors, refused = embed_accepted(self._embedder, [dense_text(work[key]) for key in keys])
        for at, reason in refused.items():
            self._refuse(work[keys[at]], of_key[keys[at]], reason)
        if len(self._failed) >= HOPELESS and not self._embedded and not vectors:
            last = next(reversed(refused.values()))
            raise ModelError(f"The model refused every text, the last with: {last}", "Run `coderank doctor`")
        return {keys[at]: rounded(vector) for at, vector in vectors.items()}

    def _refuse(self, chunk: Chunk, ids: Sequence[str], why: str) -> None:
        reason = f"{chunk.path}:{chunk.start_line}-{chunk.end_line}: {why}"
        log.warning("Cannot embed %s", reason)
        self._failed.update(dict.fromkeys(ids, reason))
