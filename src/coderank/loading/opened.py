"""One embedder for all engines of a process: 100 to 300 MB that several roots can use."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from coderank.loading.embedder import open_embedder

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder
    from coderank.loading.embedder import Loading
    from coderank.models.catalogue import Model

_OPENING = Lock()


def opened_embedder(model: Model, loading: Loading) -> Embedder:
    """Open a model as `open_embedder` does, or give the one that is open. Safe among threads."""
    with _OPENING:  # else two threads would load it twice
        return _opened(model, loading)


@lru_cache(maxsize=1)
def _opened(model: Model, loading: Loading) -> Embedder:
    return open_embedder(model, loading)
