"""Puts together the rerankers that the settings name, in order of preference."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from coderank.errors import ConfigurationError
from coderank.reranking.cascade import Cascade

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.reranking.contract import Reranker
    from coderank.reranking.cross_encoder import Batching
    from coderank.settings import Settings
    from coderank.types import Chunk

_NEEDED = ("httpx", "tenacity", "ftfy")
CROSS_ENCODER = "cross-encoder"


def assemble(settings: Settings, text_of: Callable[[Chunk], str], batching: Batching) -> Cascade:
    """Build the cascade: a language model behind an endpoint first, then a cross-encoder from a folder.

    ``text_of`` gives what rerankers read of a chunk, ``batching`` plans the batches of the cross-encoder.

    Raises:
        ConfigurationError: nothing is configured, or what is cannot be used.
    """
    rerankers: list[Reranker] = []
    if settings.rerank_url:
        rerankers.append(_endpoint(settings))
    if settings.rerank_folder:
        from coderank.reranking.cross_encoder import CrossEncoder  # noqa: PLC0415 - numpy

        rerankers.append(CrossEncoder(CROSS_ENCODER, settings.rerank_folder, batching, threads=settings.threads))
    if not rerankers:
        raise ConfigurationError(
            "No reranker is configured",
            "Set CODERANK_RERANK_URL to an OpenAI-compatible endpoint that serves CodeRankLLM, or "
            "CODERANK_RERANK_FOLDER to a cross-encoder's model.onnx, or leave --rerank out",
        )
    return Cascade(rerankers, text_of, settings.rerank_budget_ms)


def _endpoint(settings: Settings) -> Reranker:
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"Reranking by an endpoint needs {', '.join(missing)}", "Run: pip install 'coderank[rerank]'"
        )
    from coderank.reranking.endpoint import Endpoint, EndpointConfig  # noqa: PLC0415
    from coderank.reranking.listwise import STRATEGIES, Listwise  # noqa: PLC0415
    from coderank.reranking.prompt import Variant  # noqa: PLC0415
    from coderank.reranking.tokens import EstimatedTokenizer  # noqa: PLC0415

    endpoint = Endpoint(EndpointConfig(settings.rerank_url, settings.rerank_model, settings.rerank_key))
    return Listwise(endpoint, EstimatedTokenizer(), STRATEGIES["topdown"], Variant.DOC_STRING)
