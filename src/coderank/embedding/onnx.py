"""Embedding on CPU through ONNX Runtime, without torch."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coderank.embedding.batching import plan
from coderank.embedding.pooling import Pooling, normalise, pool
from coderank.embedding.session import Sessions
from coderank.embedding.tokenizer import encode, load_tokenizer, load_tokenizer_file
from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from coderank.types import Matrix, Vector

BATCH_TOKENS = 256
"""Padded tokens in one batch. With texts of up to 256 tokens and a batch on each of 2 cores: 7,600 tokens/s at 256,
7,400 at 512, 6,800 at 1,024, 6,200 at 2,048, because larger activations leave the core's cache."""

SPIN_US = 50
"""How long a thread waits awake for the next part of its work. Asleep at once, a query takes 3.8 ms instead of 2.6;
awake without end, the threads take the cores from their neighbours (40 % of the throughput beside other work)."""

WIDE = 768
"""Length of a vector from which on all cores work on one batch after the other. CodeRankEmbed in int8 on 2 cores: 2,830
tokens/s, and 2,280 with a batch on each, as the threads of two batches get in each other's way. all-MiniLM-L6-v2, with
384: 8,070 and 8,170, beside other work 3,870 and 4,120."""

SLOW_FUSIONS = ["SkipLayerNormFusion"]
"""What the runtime is kept from: its kernel for a sum and its normalisation in one is six times as slow as the two by
themselves. Without it all-MiniLM-L6-v2 takes 49 ms instead of 54 for 220 tokens on one core."""

CPU = ("CPUExecutionProvider",)
GPU = "CUDAExecutionProvider"
"""There with the package onnxruntime-gpu."""

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


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


class Session:
    """One loaded graph. Safe to run from several threads."""

    def __init__(self, path: Path, *, optimised: bool, threads: int, providers: Sequence[str] = CPU) -> None:
        """Load a graph; ``threads`` work on one call, 0 for one on each physical core.

        ``providers`` are the runtime's names of what may run it, preferred ones first.

        Raises:
            ModelUnavailableError: the file is missing, damaged, or wants inputs other than a BERT encoder's.
        """
        import onnxruntime  # noqa: PLC0415 - 0.1 s, and a lexical search does not need it

        onnxruntime.disable_telemetry_events()  # nothing is sent anywhere
        options = onnxruntime.SessionOptions()
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=list(providers), disabled_optimizers=SLOW_FUSIONS
            )
        except _refusals() as error:
            raise ModelUnavailableError(f"cannot load the weights {path}: {error}", "Run: coderank doctor") from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        if not _INPUTS.issuperset(self._inputs):
            raise ModelUnavailableError(
                f"the weights {path} want the inputs {', '.join(self._inputs)}, not those of a BERT encoder",
                "Run: coderank models export, which writes and checks such a file",
            )

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Compute the hidden states, shape (n, tokens, dimension), from those of the inputs that the graph has.

        A graph that pools by itself, as some that others exported, gives shape (n, dimension).

        Raises:
            ModelError: the runtime refused the inputs, or the output has another shape.
        """
        try:
            output = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        except _refusals() as error:
            raise ModelError(f"the weights {self._path} failed on their input: {error}") from error
        hidden = np.asarray(output, dtype=np.float32)
        if hidden.ndim not in {2, 3} or len(hidden) != len(inputs["input_ids"]):
            raise ModelError(
                f"the weights {self._path} give an output of shape {hidden.shape}, "
                "not one vector for each token or text"
            )
        return hidden


class OnnxEmbedder:
    """An embedder over one ``.onnx`` file. Loads on first use; safe to call from several threads.

    Calls raise ModelUnavailableError where the file cannot be loaded, and ModelError where it computes no direction.
    """

    def __init__(
        self,
        model: TextModel,
        path: Path,
        threads: int = 0,
        tokenizer: Path | None = None,
        *,
        ready: bool = False,
        device: str = "auto",
    ) -> None:
        """Describe the embedder.

        ``threads`` is the number of cores to use, 0 for all; ``tokenizer`` is the model's ``tokenizer.json``, None for
        the BERT vocabulary that comes with coderank; a ``ready`` file was optimised when it was written; ``device`` is
        ``auto`` for a GPU where the runtime has one, or ``cpu``.
        """
        self._model = model
        self._tokenizer_file = tokenizer
        self._threads = threads

        def open_session(optimised: bool) -> Session:  # noqa: FBT001 - as Sessions calls it
            return Session(path, optimised=optimised, threads=threads, providers=providers_for(device))

        self._sessions = Sessions(open_session, ready=ready)
        self._tokenizer: Tokenizer | None = None
        self._tokenizer_lock = threading.Lock()

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
        rows = self._token_ids([self._model.query_prefix + text])
        vector: Vector = normalise(self._vectors(self._sessions.for_query(), rows), self.name)[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents without a prefix. Shape (n, dimension), in input order."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        rows = self._token_ids(texts)
        session = self._sessions.for_documents(len(texts))
        batches = plan([len(row) for row in rows], BATCH_TOKENS)

        def embed(batch: list[int]) -> Matrix:
            return self._vectors(session, [rows[index] for index in batch])

        with ThreadPoolExecutor(self._batches_at_once) as pool_of_workers:
            for batch, embedded in zip(batches, pool_of_workers.map(embed, batches), strict=True):
                vectors[batch] = embedded
        return normalise(vectors, self.name)

    @property
    def _batches_at_once(self) -> int:
        return 1 if self.dimension >= WIDE else self._threads or available_cores()

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        with self._tokenizer_lock:
            if self._tokenizer is None:
                self._tokenizer = self._load_tokenizer()
        return encode(self._tokenizer, texts, self._model.max_tokens)

    def _load_tokenizer(self) -> Tokenizer:
        if self._tokenizer_file is None:
            return load_tokenizer(self._model.max_tokens)
        return load_tokenizer_file(self._tokenizer_file, self._model.max_tokens)

    def _vectors(self, session: Session, rows: Sequence[list[int]]) -> Matrix:
        tokens, mask = _padded(rows)
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden = session.run(inputs)
        vectors = hidden if hidden.ndim == 2 else pool(hidden, mask, self._model.pooling)
        if vectors.shape[1] != self.dimension:
            raise ModelError(
                f"the weights of {self.name} give vectors of {vectors.shape[1]} numbers instead of {self.dimension}",
                "They belong to another model: run `coderank doctor`",
            )
        return vectors


def providers_for(device: str) -> tuple[str, ...]:
    """Name what the installed runtime can compute with, a GPU first unless the device is ``cpu``."""
    import onnxruntime  # noqa: PLC0415

    if device.startswith("cpu"):
        return CPU
    return tuple(name for name in (GPU, *CPU) if name in onnxruntime.get_available_providers())


def available_cores() -> int:
    """Count the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _padded(rows: Sequence[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and mask, each of shape (n, longest), padded on the right with zeros."""
    if len(rows) == 1:  # a query
        tokens = np.array(rows, dtype=np.int64)
        return tokens, np.ones_like(tokens)
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    present = np.arange(lengths.max()) < lengths[:, None]
    tokens = np.zeros(present.shape, dtype=np.int64)
    tokens[present] = np.concatenate(rows)
    return tokens, present.astype(np.int64)


def _refusals() -> tuple[type[Exception], ...]:
    """List what ONNX Runtime raises: its exceptions have no base in common below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    return (
        raised.Fail,
        raised.InvalidArgument,
        raised.InvalidGraph,
        raised.InvalidProtobuf,
        raised.NoSuchFile,
        raised.NotImplemented,
        raised.RuntimeException,
    )
