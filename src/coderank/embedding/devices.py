"""One model on several devices: a process for each, because one Python process does not keep two GPUs busy."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coderank.embedding.batching import plan
from coderank.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from coderank.embedding.contract import Embedder
    from coderank.embedding.onnx import TextModel
    from coderank.types import Matrix, Vector

TASK_CHARACTERS = 1_000_000
"""Characters, padded to the longest text, that are sent to a device at once: a second or so of a GPU's work, beside
which the journey between processes is nothing."""
TASKS_PER_DEVICE = 4
"""Tasks into which smaller work is cut for each device, so that a slow one does not keep the others waiting."""


class BuildEmbedder(Protocol):
    """Makes the embedder of one device; it travels to another process, so it has to be picklable."""

    def __call__(self, *, device: str) -> Embedder:
        """Make an embedder on the named device."""
        ...


class DevicePool:
    """An embedder that spreads documents over devices, each owned by a process of its own.

    A process starts with the first work for its device and ends with ``close``, or with the process that owns the pool,
    however that ends. Calls raise what the embedders raise, and ModelError where a process died.
    """

    def __init__(self, model: TextModel, build: BuildEmbedder, devices: Sequence[str]) -> None:
        """Describe the pool; ``devices`` are torch's names, one process each."""
        self._model = model
        self._devices = tuple(devices)
        # A forked process cannot use CUDA.
        context = multiprocessing.get_context("spawn")
        self._processes = [ProcessPoolExecutor(1, context, _own_device, (build, device)) for device in devices]

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._model.dimension

    def embed_query(self, text: str) -> Vector:
        """Embed a natural-language query on the first device, without the others. Shape (dimension,)."""
        try:
            return self._processes[0].submit(_embed_query, text).result()
        except BrokenProcessPool as error:
            raise self._died() from error

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents, on all devices where there is enough for them. Shape (n, dimension), in input order."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        lengths = [len(text) for text in texts]
        share = sum(lengths) // (len(self._devices) * TASKS_PER_DEVICE)
        tasks = plan(lengths, min(TASK_CHARACTERS, max(1, share)))
        waiting = SimpleQueue[list[int]]()
        for task in tasks:
            waiting.put(task)

        def work(process: ProcessPoolExecutor) -> None:
            # Each device takes the next task when it has done one: the slow ones do fewer.
            with suppress(Empty):
                while True:
                    task = waiting.get_nowait()
                    vectors[task] = process.submit(_embed_documents, [texts[index] for index in task]).result()

        try:
            with ThreadPoolExecutor(len(self._processes)) as threads:
                list(threads.map(work, self._processes[: len(tasks)]))
        except BrokenProcessPool as error:
            raise self._died() from error
        return vectors

    def close(self) -> None:
        """End the processes and give their memory back."""
        for process in self._processes:
            process.shutdown(cancel_futures=True)

    def __enter__(self) -> DevicePool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _died(self) -> ModelError:
        return ModelError(
            f"a process that embeds with {self.name} on {', '.join(self._devices)} died",
            "It may have run out of memory: use fewer devices or a shorter max_tokens",
        )


_OWN: list[Embedder] = []
"""The embedder of this process, once it is one of a pool."""


def _own_device(build: BuildEmbedder, device: str) -> None:
    threading.Thread(target=_end_with_owner, name="owner-watch", daemon=True).start()
    _OWN.append(build(device=device))


def _end_with_owner() -> None:
    # The queue of tasks stays open on this side, so that an owner that is killed, or that ends without taking the
    # interpreter apart, as the command line does, would leave the device's memory taken for ever.
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)


def _embed_query(text: str) -> Vector:
    return _OWN[0].embed_query(text)


def _embed_documents(texts: list[str]) -> Matrix:
    return _OWN[0].embed_documents(texts)
