"""One cascade of rerankers for all engines of a process: it keeps what it measured of their speed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.corpus.header import dense_text
from coderank.embedding.batching import plan
from coderank.errors import ConfigurationError
from coderank.models.bundled import bundled_weights, is_here
from coderank.models.catalogue import MODELS
from coderank.models.user import catalogue_of
from coderank.reranking.assembly import assemble
from coderank.reranking.pairs import PairFiles, PairModel, in_folder
from coderank.settings import RERANK_BUDGET_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.models.catalogue import Model
    from coderank.reranking.cascade import Cascade
    from coderank.settings import Settings

_KEPT = 4
"""Cascades of a server: collections may name different rerankers, and reopening one loads its model again."""
AUTO = "auto"
CROSS_ENCODERS = ("coderank-mini-rerank", "ms-marco-minilm-l6-v2")
"""What ``auto`` looks for. The first was trained on code and comes with coderank; the second was trained on questions
to a search engine of the web, and is there where it was pulled."""


def opened_cascade(settings: Settings) -> Cascade:
    """Put together what the settings name, with a cross-encoder that is here where they name none.

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
    from coderank.embedding.onnx import available_cores  # noqa: PLC0415 - numpy: 0.1 s, where the names are asked only

    found = None if settings.rerank_folder else cross_encoder(settings)
    return assemble(replace(settings, threads=settings.threads or available_cores()), dense_text, plan, found)


def is_cross_encoder(name: str, settings: Settings) -> bool:
    """Tell whether a name or hub id is that of a cross-encoder of the catalogue, or of the user's own."""
    return _named(name, catalogue_of(settings)) is not None


def cross_encoder(settings: Settings) -> PairModel | None:
    """Find the cross-encoder that the settings name, without a network; None where they name none and none is here.

    Raises:
        ConfigurationError: the one they name is unknown, or not here.
    """
    if settings.rerank_cross_encoder == AUTO:
        known = filter(None, (_named(name, MODELS) for name in CROSS_ENCODERS))
        return next(filter(None, map(_here, known)), None)
    models = catalogue_of(settings)
    named = _named(settings.rerank_cross_encoder, models)
    if named is None:
        listed = ", ".join(model.name for model in models if _is_pair_model(model))
        raise ConfigurationError(
            f"No cross-encoder is called {settings.rerank_cross_encoder!r}",
            f"Set CODERANK_RERANK_CROSS_ENCODER to one of: {AUTO}, {listed}",
        )
    found = _here(named)
    if found is None:
        pull = "pip install --force-reinstall coderank"
        pull = f"coderank models pull {named.name}" if named.weights == "hub" else pull
        raise ConfigurationError(f"The cross-encoder {named.name} is not on this machine", f"Run: {pull}")
    return found


def _named(name: str, models: Sequence[Model]) -> Model | None:
    wanted = name.lower()
    known = (model for model in models if _is_pair_model(model))
    return next((model for model in known if wanted in {model.name.lower(), model.hub_id.lower()}), None)


def _is_pair_model(model: Model) -> bool:
    return model.kind == "reranker" and "onnx" in model.backends


def _here(model: Model) -> PairModel | None:
    if model.weights == "bundled":
        return (
            PairModel(model.name, model.file_stem, partial(_shipped, model), model.max_tokens)
            if is_here(model)
            else None
        )
    folder: Path | None = Path(model.folder).expanduser()
    if model.weights == "hub":
        from coderank.models import hub  # noqa: PLC0415 - 0.3 s

        folder = hub.cached(model)
    return in_folder(model.name, folder, model.max_tokens) if folder else None


def _shipped(model: Model) -> PairFiles:
    """Give the files of a model that comes with coderank, verified: its vocabulary is BERT's, as of the embedders."""
    return PairFiles(bundled_weights(model), Path(str(files("coderank.embedding") / "vocab.txt")))
