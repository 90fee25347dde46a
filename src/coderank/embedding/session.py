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
"""The query that opens the optimised session. Opening costs 150 ms instead of 50, a query then takes 4 ms instead of
20: a one-shot command asks once and must not pay, a server gains from the tenth query on."""
OPTIMISE_AT_DOCUMENT = 64
"""Documents that open it: their 15,000 tokens take 2 s, of which it saves a quarter."""

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
        # Waiting threads that spin take the cores from their neighbours: beside other work on 2 cores they cost
        # 40 % of the throughput and of a query's time, on an idle machine sleeping ones cost 0.7 ms a query.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
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
    """Holds one session of a file: first one that opens at once, then, when it pays, one that runs fast."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Open nothing yet; ``threads`` is the number of cores to use, 0 for all."""
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._optimised = False
        self._queries = 0
        self._documents = 0

    def for_query(self) -> Session:
        """Give the session for one more query."""
        with self._lock:
            self._queries += 1
            return self._fitting()

    def for_documents(self, count: int) -> Session:
        """Give the session for so many more documents."""
        with self._lock:
            self._documents += count
            return self._fitting()

    def _fitting(self) -> Session:
        pays = self._queries >= OPTIMISE_AT_QUERY or self._documents >= OPTIMISE_AT_DOCUMENT
        if self._session is None or (pays and not self._optimised):
            # The first one goes before the second comes: both at once would double the memory.
            self._session = None
            self._session = Session(self._path, optimised=pays, threads=self._threads)
            self._optimised = pays
        return self._session


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
