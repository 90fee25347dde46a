"""What the project has to reach, as data, with what others reach on the same work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise: a measured value has to be at least, or at most, a limit."""

    name: str
    benchmark: str
    """The result file that holds the measured value."""
    what: str
    limit: float
    unit: str
    at_least: bool
    anchor: str
    headline: bool = False
    """Shown in the README, as is whatever is missed; the others are on the page of quality."""

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def promise(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {written(self.limit, self.unit)}"


def written(value: float, unit: str) -> str:
    """Write a value with the digits that its unit deserves."""
    if unit == "MiB":
        return f"{value:.0f} MiB"
    if unit in {"%", "candidates", "requests"}:
        return f"{value:.0f} {unit}"
    if unit == "×":
        return f"{value:.2f} ×"
    if unit == "ms":
        return f"{value:.1f} ms"
    return f"{value:.2f} s" if unit == "s" else f"{value:.3f}"


BARS: tuple[Bar, ...] = (
    Bar(
        name="localisation_ndcg",
        benchmark="localisation",
        what="localisation nDCG@10, ten chunks, mean of 20 repositories",
        limit=0.885,
        unit="",
        at_least=True,
        anchor="semble 0.847; CodeRankEmbed + BM25 + semble's ranking 0.855; voyage-4-lite, hosted, 0.884",
        headline=True,
    ),
    Bar(
        name="localisation_worst_gain",
        benchmark="localisation",
        what="localisation: hybrid minus the better leg, nDCG@10",
        limit=-0.005,
        unit="",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="static_ndcg",
        benchmark="static-tier",
        what="localisation nDCG@10 by static vectors, before the model has read anything",
        limit=0.855,
        unit="",
        at_least=True,
        anchor="semble 0.847",
        headline=True,
    ),
    Bar(
        name="static_speedup",
        benchmark="static-tier",
        what="chunks a second that static vectors are made for, over the model's",
        limit=20.0,
        unit="×",
        at_least=True,
        anchor="–",
        headline=True,
    ),
    Bar(
        name="sets_worst_gain",
        benchmark="sets",
        what="six public sets: hybrid minus the better leg, nDCG@10, worst set",
        limit=0.0,
        unit="",
        at_least=True,
        anchor="equal rank fusion: down to -0.08",
        headline=True,
    ),
    Bar(
        name="warm_query_p50",
        benchmark="latency",
        what="warm query, 50 k chunks, p50 (embed + search + priors)",
        limit=10.0,
        unit="ms",
        at_least=False,
        anchor="MiniLM query 3 ms, Qdrant < 1 ms",
        headline=True,
    ),
    Bar(
        name="search_process",
        benchmark="latency",
        what="`coderank search` on an up-to-date index, whole process",
        limit=0.6,
        unit="s",
        at_least=False,
        anchor="semble 0.85 s",
        headline=True,
    ),
    Bar(
        name="unchanged_reindex",
        benchmark="reindex",
        what="unchanged re-index of 10,000 files, whole process",
        limit=0.4,
        unit="s",
        at_least=False,
        anchor="–",
        headline=True,
    ),
    Bar(
        name="first_answer",
        benchmark="first-answer",
        what="first answer on a never-indexed repository of 50 k lines",
        limit=2.5,
        unit="s",
        at_least=False,
        anchor="semble 3.7 s",
        headline=True,
    ),
    Bar(
        name="throughput_share",
        benchmark="throughput",
        what="embedding throughput of a whole indexing run, share of the bare embedder's",
        limit=90.0,
        unit="%",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="peak_memory",
        benchmark="first-answer",
        what="peak memory indexing that repository",
        limit=600.0,
        unit="MiB",
        at_least=False,
        anchor="semble 366 MiB",
        headline=True,
    ),
    Bar(
        name="embed_query_p50",
        benchmark="embedding",
        what="CodeRankEmbed (random weights): query of 24 tokens, p50",
        limit=20.0,
        unit="ms",
        at_least=False,
        anchor="torch fp32 81 ms; the first estimate 300 to 500 ms",
        headline=True,
    ),
    Bar(
        name="embed_search_p50",
        benchmark="embedding",
        what="CodeRankEmbed (random weights): warm query over 50 k chunks, p50",
        limit=35.0,
        unit="ms",
        at_least=False,
        anchor="the first estimate 408 ms",
    ),
    Bar(
        name="embed_speedup",
        benchmark="embedding",
        what="CodeRankEmbed (random weights): documents, over sentence-transformers in fp32",
        limit=3.5,
        unit="×",
        at_least=True,
        anchor="torch in bf16 on a CPU with instructions for it 3.5",
        headline=True,
    ),
    Bar(
        name="embed_memory",
        benchmark="embedding",
        what="CodeRankEmbed (random weights): added resident memory",
        limit=450.0,
        unit="MiB",
        at_least=False,
        anchor="547 MB of fp32 weights",
    ),
    Bar(
        name="offline_rerank_ndcg",
        benchmark="offline-rerank",
        what="localisation nDCG@10 with `--rerank`, what comes with coderank alone",
        limit=0.895,
        unit="",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="offline_rerank_gain",
        benchmark="offline-rerank",
        what="gain of `--rerank`, by what comes with coderank, on questions that are no names, nDCG@10",
        limit=0.01,
        unit="",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="offline_rerank_names",
        benchmark="offline-rerank",
        what="gain of `--rerank` on names, which are left alone, nDCG@10",
        limit=0.0,
        unit="",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="offline_rerank_candidates",
        benchmark="offline-rerank",
        what="candidates that are reranked in the default budget, median",
        limit=30.0,
        unit="candidates",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="offline_rerank_p50",
        benchmark="offline-rerank",
        what="what that reranking adds to a question, p50",
        limit=500.0,
        unit="ms",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="rerank_p50",
        benchmark="reranking",
        what="cross-encoder (random weights) on 100 candidates, default budget, p50",
        limit=500.0,
        unit="ms",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="rerank_candidates",
        benchmark="reranking",
        what="cross-encoder (random weights): candidates that it reranks in that time, median",
        limit=30.0,
        unit="candidates",
        at_least=True,
        anchor="–",
    ),
    Bar(
        name="rerank_search_p50",
        benchmark="reranking",
        what="query over 50 k chunks with CodeRankEmbed and reranking (random weights), p50",
        limit=1.0,
        unit="s",
        at_least=False,
        anchor="–",
        headline=True,
    ),
    Bar(
        name="http_beyond_engine",
        benchmark="http-load",
        what="`POST /v1/search` over 50 k chunks, one client: p50 beyond the engine's own time",
        limit=5.0,
        unit="ms",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="http_tail",
        benchmark="http-load",
        what="the same, 64 clients at once: p99 over p50",
        limit=20.0,
        unit="×",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="http_unanswered",
        benchmark="http-load",
        what="the same, 64 clients at once: requests without an answer",
        limit=0.0,
        unit="requests",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="serve_greeting",
        benchmark="serving",
        what="`coderank serve`: from its start to the answer to `initialize`",
        limit=1.0,
        unit="s",
        at_least=False,
        anchor="loading the protocol's library alone: 1.1 s of a core",
        headline=True,
    ),
    Bar(
        name="serve_p50",
        benchmark="serving",
        what="`search_code` over MCP, 50 k chunks, p50 as the agent waits",
        limit=15.0,
        unit="ms",
        at_least=False,
        anchor="–",
        headline=True,
    ),
    Bar(
        name="serve_beyond_p50",
        benchmark="serving",
        what="of that what the server adds to the engine, p50",
        limit=5.0,
        unit="ms",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="serve_agents_spread",
        benchmark="serving",
        what="ten agents with a process each on one index, at once: p99 over p50",
        limit=20.0,
        unit="×",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="serve_agents_errors",
        benchmark="serving",
        what="the same, with and without a file saved every five seconds: errors in 2,000 answers",
        limit=0.0,
        unit="requests",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="serve_many_spread",
        benchmark="serving",
        what="64 clients at once over MCP: p99 over p50",
        limit=20.0,
        unit="×",
        at_least=False,
        anchor="–",
    ),
    Bar(
        name="serve_many_errors",
        benchmark="serving",
        what="64 clients at once over MCP: errors in 512 answers",
        limit=0.0,
        unit="requests",
        at_least=False,
        anchor="–",
        headline=True,
    ),
)


def of_benchmark(benchmark: str, measured: Mapping[str, float]) -> dict[str, float]:
    """Check that a benchmark measured exactly its bars, and return the values by bar."""
    wanted = {bar.name for bar in BARS if bar.benchmark == benchmark}
    if wanted != measured.keys():
        raise ValueError(f"{benchmark} has the bars {sorted(wanted)}, but measured {sorted(measured)}")
    return dict(measured)
