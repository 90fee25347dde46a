"""One cascade of rerankers for all engines of a process: it keeps what it measured of their speed."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text
from coderank.embedding.batching import plan
from coderank.models.catalogue import get
from coderank.reranking.assembly import assemble

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.reranking.cascade import Cascade
    from coderank.settings import Settings

CROSS_ENCODER = "ms-marco-minilm-l6-v2"


@lru_cache(maxsize=1)
def opened_cascade(settings: Settings) -> Cascade:
    """Put together what the settings name, with a cross-encoder that was pulled where they name none.

    Raises:
        ConfigurationError: there is nothing, or what there is cannot be used.
    """
    return assemble(settings, dense_text, plan, None if settings.rerank_folder else pulled_cross_encoder())


def pulled_cross_encoder() -> Path | None:
    """Find the catalogue's cross-encoder in the hub's cache, without a network."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from coderank.models import hub  # noqa: PLC0415 - 0.3 s

    return hub.cached(get(CROSS_ENCODER))
