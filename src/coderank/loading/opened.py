"""One embedder for all engines of a process: 100 to 300 MB that several roots can use."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, cast

from coderank.loading.embedder import Loading, open_embedder

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder
    from coderank.loading.embedder import ChosenBackend, ChosenPrecision
    from coderank.models.catalogue import Model
    from coderank.settings import Settings

EXPORTS = "exports"
"""Folder of exported models, in the data folder: they cannot be computed without the weights."""
_OPENING = Lock()


def opened_embedder(model: Model, settings: Settings, *, download: bool = False) -> Embedder:
    """Open a model as the settings say, or give the one that is open. Safe among threads.

    Raises what `open_embedder` raises.
    """
    with _OPENING:  # else two threads would load it twice
        return _opened(model, loading_of(settings, download=download))


def loading_of(settings: Settings, *, download: bool = False) -> Loading:
    """Say how the settings want embedders opened. The settings were checked when they were read."""
    return Loading(
        exports=settings.data_dir / EXPORTS,
        cache=settings.cache_dir,
        backend=cast("ChosenBackend", settings.backend),
        precision=cast("ChosenPrecision", settings.precision),
        device=settings.device,
        threads=settings.threads,
        download=download,
    )


def release() -> None:
    """Let go of every open model, rerankers too; its memory is free once nobody uses it any more."""
    from coderank.loading import rerankers  # noqa: PLC0415 - most searches are not reranked

    with _OPENING:
        _opened.cache_clear()
    rerankers.release()


@lru_cache(maxsize=4)  # a server searches collections of several models, and must not load one per question
def _opened(model: Model, loading: Loading) -> Embedder:
    return open_embedder(model, loading)
