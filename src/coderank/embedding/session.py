"""ONNX Runtime sessions over one file: which to open, and when opening a faster one pays."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

OPTIMISE_AT_QUERY = 3
"""The query that opens an optimised session. Opening costs 150 ms instead of 50, a query then takes 4 ms instead of 20:
a one-shot command asks once and must not pay, a server gains from the tenth query on."""
OPTIMISE_AT_DOCUMENT = 64
"""Documents that open one for documents: 15,000 tokens take 2 s, of which it saves a quarter."""

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class Session:
    """One loaded graph. Safe to run from several threads."""

    def __init__(self, path: Path, *, optimised: bool, threads: int) -> None:
        """Load a graph; ``threads`` work on one call, 0 for one on each physical core.

        Raises:
            ModelUnavailableError: the file is missing, damaged, or wants inputs other than a BERT encoder's.
        """
        import onnxruntime  # noqa: PLC0415 - 0.1 s, and a lexical search does not need it

        options = onnxruntime.SessionOptions()
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _refusals() as error:
            raise ModelUnavailableError(f"cannot load the weights {path}: {error}", "Run: coderank doctor") from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        if not _INPUTS.issuperset(self._inputs):
            raise ModelUnavailableError(
                f"the weights {path} want the inputs {', '.join(self._inputs)}, not those of a BERT encoder",
                "Run: coderank models export",
            )

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Compute the hidden states, shape (n, tokens, dimension), from those of the inputs that the graph has.

        Raises:
            ModelError: the runtime refused the inputs, or the output has another shape.
        """
        try:
            output = self._session.run(None, {name: inputs[name] for name in self._inputs})[0]
        except _refusals() as error:
            raise ModelError(f"the weights {self._path} failed on their input: {error}") from error
        hidden = np.asarray(output, dtype=np.float32)
        if hidden.ndim != 3:
            raise ModelError(
                f"the weights {self._path} give an output of shape {hidden.shape}, not one vector for each token"
            )
        return hidden


class Sessions:
    """Opens the sessions of one file when they pay, each once.

    A query wants all cores on one text. Many documents run 15 % faster with one core on each batch, and more so with
    more cores. The first calls of a process do neither: they take a session that opens at once.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Open nothing yet; ``threads`` is the number of cores to use, 0 for all."""
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._first: Session | None = None
        self._for_queries: Session | None = None
        self._for_documents: Session | None = None
        self._queries = 0
        self._documents = 0

    def for_query(self) -> Session:
        """Give the session for one more query."""
        with self._lock:
            self._queries += 1
            if self._for_queries is None and self._queries >= OPTIMISE_AT_QUERY:
                self._first = None
                self._for_queries = Session(self._path, optimised=True, threads=self._threads)
            return self._for_queries or self._for_documents or self._opened()

    def for_documents(self, count: int) -> tuple[Session, int]:
        """Give the session for so many more documents, and the number of batches to run on it at the same time."""
        with self._lock:
            self._documents += count
            if self._for_documents is None and self._documents >= OPTIMISE_AT_DOCUMENT:
                self._first = None
                self._for_documents = Session(self._path, optimised=True, threads=1)
            if self._for_documents is not None:
                return self._for_documents, self._threads or available_cores()
            return self._for_queries or self._opened(), 1

    def _opened(self) -> Session:
        if self._first is None:
            self._first = Session(self._path, optimised=False, threads=self._threads)
        return self._first


def available_cores() -> int:
    """Count the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
