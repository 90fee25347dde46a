"""Which precision and how many threads are fastest on this machine: measured once, remembered in a cache file.

No constant can tell: 8-bit and 16-bit arithmetic are fast on CPUs that have instructions for them and slower than fp32
on others. The same weights took 18 ms a query in bf16 on one CPU and 130 ms on another, with 50 ms in fp32.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coderank.embedding.session import OPTIMISE_AT_QUERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coderank.embedding.contract import Embedder

QUERIES = 5
"""Queries timed for each option; the fastest counts, because other work on the machine only ever adds."""
ROUNDS = 2
"""Times the documents are embedded; the faster one counts."""
QUERY = "where is the retry delay of a failed request computed and capped"
DOCUMENT = "def delay(attempt: int, base: float, cap: float) -> float:\n    return min(cap, base * 2**attempt)\n" * 5
"""About 230 tokens: an ordinary chunk."""
DOCUMENTS = 8


class Option(msgspec.Struct, frozen=True, order=True):
    """One way to run a model."""

    precision: str
    threads: int
    """0 for all cores."""


class Measurement(msgspec.Struct, frozen=True):
    """How fast one way is."""

    option: Option
    query_ms: float
    document_ms: float
    """For one document of an ordinary chunk's length."""


class Calibration(msgspec.Struct, frozen=True):
    """What was measured on one machine for one model, the best option first."""

    machine: str
    measurements: tuple[Measurement, ...]

    @property
    def best(self) -> Option:
        """The option to use."""
        return self.measurements[0].option


def machine(runtime: str, cores: int) -> str:
    """Name what a measurement depends on: the CPU, the cores of this process, the runtime and its version."""
    return f"{_cpu()} | {cores} cores | {runtime}"


def calibrate(
    options: Sequence[Option],
    open_embedder: Callable[[Option], Embedder],
    machine_name: str,
    on_measured: Callable[[Measurement], None] = lambda _: None,
) -> Calibration:
    """Time each option in turn, a second or two each, and rank them. One embedder at a time is in memory."""
    measurements = []
    for option in options:
        measurements.append(_measure(option, open_embedder(option)))
        on_measured(measurements[-1])
    return Calibration(machine_name, rank(measurements))


def rank(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Order by cost, the best first: query and document time, each over the best one found, count the same.

    Somebody waits for every query, and for the documents once but long; neither may be bought with the other alone.
    """
    listed = list(measurements)
    query = min((one.query_ms for one in listed), default=1.0)
    document = min((one.document_ms for one in listed), default=1.0)
    return tuple(sorted(listed, key=lambda one: (one.query_ms / query + one.document_ms / document, one.option)))


def recall(cache: Path, key: str, machine_name: str) -> Calibration | None:
    """Read what was measured for a model on this very machine; None if nothing was."""
    found = _read(cache).get(key)
    return found if found is not None and found.machine == machine_name and found.measurements else None


def remember(cache: Path, key: str, calibration: Calibration) -> None:
    """Keep a calibration; what the file holds of other models stays."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(_read(cache) | {key: calibration}), indent=2)
    staged = cache.with_name(f"{cache.name}.{os.getpid()}")
    staged.write_bytes(content)
    staged.replace(cache)


def _measure(option: Option, embedder: Embedder) -> Measurement:
    # The session that runs fast opens after some queries or documents: it is the one to be timed.
    for _ in range(OPTIMISE_AT_QUERY):
        embedder.embed_query(QUERY)
    documents = [DOCUMENT] * DOCUMENTS
    return Measurement(
        option,
        query_ms=min(_milliseconds(lambda: embedder.embed_query(QUERY)) for _ in range(QUERIES)),
        document_ms=min(_milliseconds(lambda: embedder.embed_documents(documents)) for _ in range(ROUNDS)) / DOCUMENTS,
    )


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _read(cache: Path) -> dict[str, Calibration]:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, Calibration])
    except (OSError, msgspec.DecodeError):
        # A cache: what cannot be read is measured again.
        return {}


def _cpu() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        described = ""
    names = [line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
