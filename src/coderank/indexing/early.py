"""Vectors that are ready when a file's points are written: made beside the reading of the files, in a second thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from coderank.indexing.parts import Early
    from coderank.types import Chunk, Matrix, Vector

AT_ONCE = 128
"""Chunks that are given to the thread together: 10 ms of work, so that it is seldom the one that is waited for."""


class EarlyVectors:
    """Embeds chunks in the order in which they are given; use it as a context. Without a table it gives nothing."""

    def __init__(self, early: Early | None) -> None:
        """Take what embeds."""
        self._early = early
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="coderank-early") if early else None
        self._waiting: dict[str, Chunk] = {}
        self._begun: dict[str, tuple[Future[Matrix], int]] = {}

    def begin(self, chunks: Mapping[str, Chunk]) -> None:
        """Take chunks by id, to embed them soon."""
        if self._early is not None:
            self._waiting.update(chunks)
            if len(self._waiting) >= AT_ONCE:
                self._submit()

    def take(self, ids: Iterable[str]) -> dict[str, Vector]:
        """Give the vectors of chunks that were begun, and forget them. Raises what embedding raises."""
        if self._early is None:
            return {}
        self._submit()
        found = {id_: self._begun[id_] for id_ in ids}
        self._begun.clear()
        return {id_: embedded.result()[at] for id_, (embedded, at) in found.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def _submit(self) -> None:
        if not self._waiting or self._thread is None:
            return
        embedded = self._thread.submit(self._embed, list(self._waiting.values()))
        self._begun.update((id_, (embedded, at)) for at, id_ in enumerate(self._waiting))
        self._waiting = {}

    def _embed(self, chunks: list[Chunk]) -> Matrix:
        assert self._early is not None
        return self._early.embedder().embed_documents([dense_text(chunk) for chunk in chunks])
