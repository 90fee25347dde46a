"""One cascade of rerankers for all engines of a process: it keeps what it measured of their speed."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text
from coderank.embedding.batching import plan
from coderank.models.catalogue import get
from coderank.reranking.assembly import assemble
from coderank.settings import RERANK_BUDGET_MS

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.reranking.cascade import Cascade
    from coderank.settings import Settings

_KEPT = 4
"""Cascades of a server: collections may name different rerankers, and reopening one loads its model again."""
CROSS_ENCODER = "ms-marco-minilm-l6-v2"


def opened_cascade(settings: Settings) -> Cascade:
    """Put together what the settings name, with a cross-encoder that was pulled where they name none.

    Raises:
        ConfigurationError: there is nothing, or what there is cannot be used.
    """
    # A budget is told with each question: two collections that differ in it alone share models.
    return _opened(replace(settings, rerank_budget_ms=RERANK_BUDGET_MS))


def release() -> None:
    """Let go of every reranker with its model; what was measured of their speed is on disk, for the next."""
    _opened.cache_clear()


@lru_cache(maxsize=_KEPT)
def _opened(settings: Settings) -> Cascade:
    return assemble(settings, dense_text, plan, None if settings.rerank_folder else pulled_cross_encoder())


def is_cross_encoder(name: str) -> bool:
    """Tell whether a catalogue name or hub id is that of the catalogue's cross-encoder."""
    known = get(CROSS_ENCODER)
    return name.lower() in {known.name.lower(), known.hub_id.lower()}


def pulled_cross_encoder() -> Path | None:
    """Find the catalogue's cross-encoder in the hub's cache, without a network."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from coderank.models import hub  # noqa: PLC0415 - 0.3 s

    return hub.cached(get(CROSS_ENCODER))
