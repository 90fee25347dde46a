"""Puts together the rerankers that the settings name, in order of preference."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from coderank.errors import ConfigurationError, ModelUnavailableError
from coderank.reranking.cascade import Cascade
from coderank.reranking.memory import FILE, Memory
from coderank.reranking.pairs import in_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.reranking.chat import Chat, Tokenizer
    from coderank.reranking.contract import Reranker
    from coderank.reranking.cross_encoder import Batching
    from coderank.reranking.memory import Entry
    from coderank.reranking.pairs import PairModel
    from coderank.settings import Settings
    from coderank.types import Chunk

_NEEDED = ("httpx", "tenacity", "ftfy")
CROSS_ENCODER = "cross-encoder"
LLM = "coderank-llm"


def assemble(
    settings: Settings, text_of: Callable[[Chunk], str], batching: Batching, cross_encoder: PairModel | None = None
) -> Cascade:
    """Build the cascade: a language model behind an endpoint, one in this process, then a cross-encoder.

    ``text_of`` gives what rerankers read of a chunk, ``batching`` plans the batches of the cross-encoder: the one
    in the folder of the settings, else ``cross_encoder``.

    Raises:
        ConfigurationError: nothing is configured, or what is cannot be used.
    """
    rerankers: list[Reranker] = []
    memory = Memory(settings.cache_dir / FILE)
    if settings.rerank_url:
        rerankers.append(_endpoint(settings, memory))
    if settings.rerank_llm:
        rerankers.append(_in_process(settings.rerank_llm, settings, memory))
    if settings.rerank_folder:
        cross_encoder = in_folder(CROSS_ENCODER, settings.rerank_folder)
    if cross_encoder:
        from coderank.reranking.cross_encoder import CrossEncoder  # noqa: PLC0415 - numpy

        name, threads = cross_encoder.name, settings.threads
        known = memory.entry(name, cross_encoder.identity, str(threads))
        limit = cross_encoder.max_tokens
        found = CrossEncoder(name, cross_encoder.find, batching, max_tokens=limit, threads=threads, entry=known)
        rerankers.append(found)
    if not rerankers:
        raise ConfigurationError(
            "No reranker is configured",
            "Run: coderank models pull ms-marco-minilm-l6-v2, or set CODERANK_RERANK_URL to an OpenAI-compatible "
            "endpoint that serves CodeRankLLM or CODERANK_RERANK_FOLDER to a cross-encoder's files, or search without "
            "reranking",
        )
    return Cascade(rerankers, text_of, settings.rerank_budget_ms)


def _in_process(folder: Path, settings: Settings, memory: Memory) -> Reranker:
    if missing := [name for name in ("torch", "transformers", "ftfy") if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"CODERANK_RERANK_LLM needs {', '.join(missing)}", "Run: pip install 'coderank[torch,rerank]'"
        )
    from coderank.reranking.llm import LocalModel, TransformersChat  # noqa: PLC0415
    from coderank.reranking.tokens import VocabularyTokenizer  # noqa: PLC0415

    try:
        tokenizer = VocabularyTokenizer(folder / "tokenizer.json")
    except ModelUnavailableError as error:
        raise ConfigurationError(
            f"CODERANK_RERANK_LLM is not the folder of a model: {error.message}",
            "Run: coderank models pull coderank-llm",
        ) from error
    chat = TransformersChat(LocalModel(name=LLM, source=str(folder), offline=True))
    return _listwise(chat, tokenizer, settings, memory.entry(LLM, str(folder)))


def _endpoint(settings: Settings, memory: Memory) -> Reranker:
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"Reranking by an endpoint needs {', '.join(missing)}", "Run: pip install 'coderank[rerank]'"
        )
    from coderank.reranking.endpoint import Endpoint, EndpointConfig  # noqa: PLC0415
    from coderank.reranking.tokens import EstimatedTokenizer  # noqa: PLC0415

    config = EndpointConfig(
        settings.rerank_url,
        settings.rerank_model,
        settings.rerank_key,
        timeout_s=settings.rerank_timeout_ms / 1000,
        context_tokens=settings.rerank_context,
        concurrency=settings.rerank_concurrency,
    )
    known = memory.entry("endpoint", config.base_url, config.model)
    return _listwise(Endpoint(config, entry=known), EstimatedTokenizer(), settings, known)


def _listwise(chat: Chat, tokenizer: Tokenizer, settings: Settings, known: Entry) -> Reranker:
    from coderank.reranking.listwise import STRATEGIES, Listwise  # noqa: PLC0415
    from coderank.reranking.prompt import Variant  # noqa: PLC0415

    strategy, variant = STRATEGIES[settings.rerank_strategy], Variant(settings.rerank_prompt)
    return Listwise(chat, tokenizer, strategy, variant, entry=known)
