"""Embedding on CPU through ONNX Runtime, without torch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coderank.embedding.batching import plan
from coderank.embedding.pooling import Pooling, normalise, pool
from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from coderank.types import Matrix, Vector

BATCH_TOKENS = 1024
"""Padded tokens in one batch: on 2 cores 8 texts of 128 tokens run fastest, larger batches leave the cache."""
OPTIMISE_AT_CALL = 3
"""The call that builds the optimised session. It costs 0.6 s and saves 14 ms a query: a one-shot command makes one call
and must not pay it, a server soon gains."""
OPTIMISE_AT_TEXTS = 64
"""Documents in one call that build it at once: their embedding takes longer than the building."""


class TextModel(Protocol):
    """What an embedder has to know of a model."""

    @property
    def name(self) -> str:
        """The catalogue name."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    @property
    def query_prefix(self) -> str:
        """Put before every query, never before a document."""
        ...

    @property
    def pooling(self) -> Pooling:
        """How tokens become one vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut."""
        ...


class OnnxEmbedder:
    """An embedder over one ``.onnx`` file. Safe to call from several threads; loads on first use."""

    def __init__(self, model: TextModel, path: Path, threads: int | None = None) -> None:
        """Describe the embedder; ``threads`` is the number of cores to use, all physical ones by default."""
        self._model = model
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._session: InferenceSession | None = None
        self._optimised = False
        self._calls = 0

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._model.dimension

    def embed_query(self, text: str) -> Vector:
        """Embed a natural-language query with the model's prefix. Shape (dimension,)."""
        vector: Vector = self._embed([self._model.query_prefix + text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents without a prefix. Shape (n, dimension), in input order."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        tokenizer, session = self._prepared(len(texts))
        ids = encode(tokenizer, texts, self._model.max_tokens)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch in plan([len(row) for row in ids], BATCH_TOKENS):
            vectors[batch] = self._run(session, [ids[index] for index in batch])
        return normalise(vectors, self.name)

    def _run(self, session: InferenceSession, rows: Sequence[list[int]]) -> Matrix:
        tokens, mask = _padded(rows)
        available = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        wanted = [node.name for node in session.get_inputs()]
        hidden = session.run(None, {name: available[name] for name in wanted})[0]
        vectors = pool(np.asarray(hidden, dtype=np.float32), mask, self._model.pooling)
        if vectors.shape[1] != self.dimension:
            raise ModelError(
                f"{self._path} gives vectors of {vectors.shape[1]} numbers, {self.name} has {self.dimension}"
            )
        return vectors

    def _prepared(self, texts: int) -> tuple[Tokenizer, InferenceSession]:
        with self._lock:
            self._calls += 1
            if self._tokenizer is None:
                self._tokenizer = load_tokenizer(self._model.max_tokens)
            pays = self._calls >= OPTIMISE_AT_CALL or texts >= OPTIMISE_AT_TEXTS
            if self._session is None or (pays and not self._optimised):
                self._session = None
                self._session = _open(self._path, self._threads, optimised=pays)
                self._optimised = pays
            return self._tokenizer, self._session


def _padded(rows: Sequence[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and mask, each of shape (n, longest), padded on the right with zeros."""
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    present = np.arange(lengths.max()) < lengths[:, None]
    tokens = np.zeros(present.shape, dtype=np.int64)
    tokens[present] = np.concatenate(rows)
    return tokens, present.astype(np.int64)


def _open(path: Path, threads: int | None, *, optimised: bool) -> InferenceSession:
    import onnxruntime as ort  # noqa: PLC0415 - 0.1 s, and a lexical search does not need it
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    # The runtime's exceptions share no base below Exception.
    refusals = (
        raised.Fail,
        raised.InvalidArgument,
        raised.InvalidGraph,
        raised.InvalidProtobuf,
        raised.NoSuchFile,
        raised.NotImplemented,
        raised.RuntimeException,
    )
    options = ort.SessionOptions()
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except refusals as error:
        raise ModelUnavailableError(f"cannot load the weights {path}: {error}") from error
