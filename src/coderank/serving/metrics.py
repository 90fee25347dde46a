"""What a server counts, for Prometheus: in a registry of its own, so that two servers in a process share nothing."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from coderank.serving.follow import NOBODY
from coderank.serving.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from coderank.serving.follow import Call
    from coderank.serving.targets import Target
    from coderank.serving.workspace import Answer, Question

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""From a stage of a warm search to the longest wait for a first index."""


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._questions = Counter(
            "coderank_questions", "Questions, by what became of them.", ["kind", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "coderank_question_seconds",
            "From the question to its answer, the wait for fresh files included.",
            ["kind"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "coderank_stage_seconds",
            "Each stage of answered questions.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    @contextmanager
    def question(self, kind: str) -> Iterator[None]:
        """Count what happens inside as one question; an error is counted by its name, and goes on."""
        begun = time.perf_counter()
        outcome = "answered"
        try:
            yield
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            self._questions.labels(kind, outcome).inc()
            self._seconds.labels(kind).observe(time.perf_counter() - begun)

    def answered(self, answer: Answer) -> Answer:
        """Count the stages of an answer."""
        for stage in answer.result.stages:
            self._stages.labels(stage.name).observe(stage.ms / 1000)
        return answer

    def page(self, accept: str) -> tuple[bytes, str]:
        """Write all figures in a format that the client takes; also return its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class MeasuredWorkspace(Workspace):
    """A workspace that counts, whichever door a question comes through."""

    def __init__(self, targets: Mapping[str, Target], default: Sequence[str]) -> None:
        """Take what Workspace takes."""
        super().__init__(targets, default)
        self.metrics = Metrics()
        self.metrics.registry.register(_Gauges(self))

    def search(self, question: Question, call: Call = NOBODY) -> Answer:
        """Search, and count."""
        with self.metrics.question("search"):
            return self.metrics.answered(super().search(question, call))

    def related(self, path: str, line: int, *, limit: int = 10, collection: str = "", call: Call = NOBODY) -> Answer:
        """Find code like code, and count."""
        with self.metrics.question("related"):
            return self.metrics.answered(super().related(path, line, limit=limit, collection=collection, call=call))


class _Gauges(Collector):
    """What is read when the figures are asked for, from what the server knows: nothing is opened for it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def collect(self) -> Iterable[Metric]:
        """Read them."""
        gate = self._workspace.gate
        yield GaugeMetricFamily("coderank_requests_in_flight", "Answered or waiting.", gate.in_flight)
        yield CounterMetricFamily("coderank_requests_shed", "Turned away, for there were too many.", gate.shed)
        families = {
            name: GaugeMetricFamily(f"coderank_index_{name}", help_text, labels=["collection"])
            for name, help_text in (
                ("open", "Whether it is open."),
                ("indexing", "Whether its files are being read."),
                ("chunks", "After the last look at its files."),
                ("dense_coverage", "The share of chunks that have a vector, then."),
            )
        }
        for pulse in self._workspace.pulses():
            for name, family in families.items():
                value = getattr(pulse, {"open": "opened"}.get(name, name))
                if value is not None:
                    family.add_metric([pulse.target.name], float(value))
        yield from families.values()
