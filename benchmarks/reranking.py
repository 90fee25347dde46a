"""What reranking costs on CPU: a cross-encoder within its budget, a whole search with it, and CodeRankLLM.

``python -m benchmarks.reranking DATA_DIR REPOS_DIR [--save]``. Models have their full size and random weights; of
CodeRankLLM one layer is timed and counted 28 times. Candidates are real chunks. Needs torch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import decoder, full_size, questions, strategies
from benchmarks.decoder import Cost, Shape, Work
from benchmarks.results import FOLDER, Run, Table
from coderank import Engine
from coderank.corpus.header import dense_text
from coderank.embedding.batching import plan
from coderank.evaluation.metrics import mean, median, quantile
from coderank.evaluation.tables import markdown
from coderank.models import catalogue
from coderank.reranking.cascade import Cascade
from coderank.reranking.cross_encoder import CrossEncoder
from coderank.reranking.listwise import STRATEGIES
from coderank.reranking.policy import BUDGET_MS, CANDIDATES
from coderank.reranking.window import WINDOW
from coderank.retrieval.legs import ModelLegs
from coderank.retrieval.query import profile
from coderank.retrieval.search import Wanted, search
from coderank.store.edge import EdgeStore
from coderank.types import SearchMode

if TYPE_CHECKING:
    from benchmarks.latency import Big
    from coderank.reranking.policy import Outcome
    from coderank.types import Candidate

    Asked = list[tuple[str, list[Candidate]]]

MODEL = catalogue.get(full_size.MODEL)
PULLED = "fp32"
"""Precision of the cross-encoder that `coderank models pull` fetches: the bars are about this one."""
QUESTIONS = 50
WARM_UP = 3
"""Queries before the first that counts: the model is loaded in the first, and its speed known after it."""
STAGES = ("embed", "retrieve", "rank", "rerank", "total")
CLAIM_S = 0.5
"""What 100 candidates of CodeRankLLM on CPU were said to take at most."""
TRIAL = Shape(hidden=64, inner=128, heads=4, key_value_heads=2, layers=2, vocabulary=1_000)
TRIAL_PROMPTS = (16, 32)


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured."""

    outcomes: dict[str, list[Outcome]]
    """Of the cross-encoder, by precision."""
    stages: dict[str, list[float]]
    """Milliseconds of whole searches with reranking."""
    costs: list[Cost]
    work: dict[str, Work]
    """What 100 candidates ask of a language model, by strategy."""
    compared: dict[tuple[str, str, str], strategies.Outcome]
    chunks: int

    def measured(self) -> dict[str, float]:
        pulled = self.outcomes[PULLED]
        return {
            "rerank_p50": round(median([one.ms for one in pulled]), 1),
            "rerank_candidates": median([one.candidates for one in pulled]),
            "rerank_search_p50": round(median(self.stages["total"]) / 1000, 4),
        }

    def details(self) -> dict[str, Any]:
        return {
            "weights": "random",
            "index": f"{self.chunks} chunks, {full_size.RANDOM_VECTORS} random directions with noise",
            "cross_encoder": {precision: [_record(one) for one in found] for precision, found in self.outcomes.items()},
            "search_ms": {stage: [round(value, 2) for value in values] for stage, values in self.stages.items()},
            "layer_s": [{key: _short(value) for key, value in asdict(cost).items()} for cost in self.costs],
            "asked": {strategy: asdict(work) for strategy, work in self.work.items()},
            "libraries": {name: version(name) for name in ("torch", "transformers")},
        }

    def tables(self) -> list[Table]:
        return [self._cross_encoder(), self._search(), self._llm(), self._claim(), strategies.table(self.compared)]

    def _cross_encoder(self) -> Table:
        columns = ("precision", "ms, p50", "ms, p95", "reranked", "at least", "tokens a pair", "tokens/s")
        rows = [_cross_encoder_row(precision, found) for precision, found in self.outcomes.items()]
        title = f"Cross-encoder, random weights: {CANDIDATES} candidates, a budget of {BUDGET_MS:.0f} ms"
        return Table(title, columns, rows)

    def _search(self) -> Table:
        rows = [[stage, *(f"{quantile(self.stages[stage], p):.1f}" for p in (0.5, 0.95))] for stage in STAGES]
        title = f"Search over {self.chunks:,} chunks with CodeRankEmbed and that cross-encoder, {PULLED}, milliseconds"
        return Table(title, ("stage", "p50", "p95"), rows)

    def _llm(self) -> Table:
        columns = ("precision", "prompt tokens", "read, tokens/s", "written, tokens/s", "one window, s")
        rows = [
            [
                cost.precision,
                f"{cost.prompt:,}",
                f"{cost.prompt_rate:.1f}",
                f"{cost.answer_rate:.2f}",
                f"{_window(cost).seconds(cost):,.0f}",
            ]
            for cost in self.costs
        ]
        return Table("CodeRankLLM, 7 B, on this CPU: one layer measured, counted 28 times", columns, rows)

    def _claim(self) -> Table:
        columns = ("strategy", "calls", "tokens read", "minutes, fp32", "minutes, bf16", f"Pflop/s for {CLAIM_S} s")
        rows = [[strategy, *self._claim_row(work)] for strategy, work in self.work.items()]
        return Table(f"CodeRankLLM, 7 B, on this CPU: {CANDIDATES} candidates", columns, rows)

    def _claim_row(self, work: Work) -> list[str]:
        window = work.prompt_tokens / work.calls
        minutes = [
            work.seconds(decoder.nearest(self.costs, precision, window)) / 60 for precision in decoder.PRECISIONS
        ]
        asked = [f"{work.calls:.0f}", f"{work.prompt_tokens:,.0f}", *(f"{value:,.0f}" for value in minutes)]
        return [*asked, f"{work.petaflops_within(CLAIM_S):.1f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    if given.save and given.trial:
        raise SystemExit("--save is for the full size: leave --trial out")
    full_size.demand(*full_size.PACKAGES)
    run_ = Run("reranking", "python -m benchmarks.reranking DATA_DIR REPOS_DIR --save")
    texts = [q.text for repository in questions.load(given.data) for q in repository.questions]
    texts = [text for text in texts if not profile(text).is_symbol]
    texts = texts[:: max(1, len(texts) // given.questions)][: given.questions]
    with tempfile.TemporaryDirectory() as scratch:
        place = full_size.Place(given.work or Path(scratch), *([full_size.TRIAL_LAYERS] if given.trial else []))
        big = place.index(given.repositories, given.chunks)
        folders = full_size.cross_encoder(place.folder)
        asked = candidates(place, big, texts)
        found = Found(
            outcomes={precision: reranked(folder, asked) for precision, folder in folders.items()},
            stages=searches(big, folders[PULLED], texts),
            costs=decoder.costs(TRIAL, TRIAL_PROMPTS) if given.trial else decoder.costs(),
            work={strategy: typical_work(strategy, asked) for strategy in STRATEGIES},
            compared=strategies.outcomes(),
            chunks=big.chunks,
        )
    tables = found.tables()
    for table in tables:
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        print(run_.write(found.measured(), found.details(), tables, given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reranking", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the localisation data: its questions are asked")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--chunks", type=int, default=50_000, help="size of the index")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="how many are asked, names left out")
    parser.add_argument("--trial", action="store_true", help="small models, to try the benchmark out")
    parser.add_argument("--work", type=Path, help="a folder that keeps models and index for the next run")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def candidates(place: full_size.Place, big: Big, texts: Sequence[str]) -> Asked:
    """Retrieve as many candidates of each question as a reranker is given."""
    embedder = place.embedder()
    legs = ModelLegs(lambda: embedder, MODEL.lexical_weight, SearchMode.HYBRID)
    with Engine.open(big.root, settings=big.settings) as engine:
        folder = engine.index_dir
    with closing(EdgeStore(folder, MODEL.dimension)) as store:
        return [(text, search(text, store, legs, Wanted(CANDIDATES))[0]) for text in texts]


def reranked(folder: Path, asked: Asked) -> list[Outcome]:
    """Rerank the candidates of each question within the default budget, as the engine does."""
    cascade = Cascade([CrossEncoder("cross-encoder", folder, plan)], dense_text)
    outcomes = [cascade.rerank(text, found)[1] for text, found in [*asked[:WARM_UP], *asked]]
    return outcomes[len(asked[:WARM_UP]) :]


def searches(big: Big, folder: Path, texts: Sequence[str]) -> dict[str, list[float]]:
    """Return milliseconds by stage of whole searches with reranking, after a warm-up."""
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with Engine.open(big.root, settings=replace(big.settings, rerank_folder=folder)) as engine:
        for text in texts[:WARM_UP]:
            engine.search(text, rerank=True)
        for text in texts:
            start = time.perf_counter()
            result = engine.search(text, rerank=True)
            spent["total"].append((time.perf_counter() - start) * 1000)
            for stage in result.stages:
                spent[stage.name].append(stage.ms)
    return spent


def typical_work(strategy: str, asked: Asked) -> Work:
    """Return what the candidates of a question ask of a language model, on average."""
    found = [
        strategies.work_of(strategy, text, [dense_text(candidate.chunk) for candidate in candidates])
        for text, candidates in asked
        if len(candidates) > 1
    ]
    return Work(
        calls=mean([one.calls for one in found]),
        prompt_tokens=mean([one.prompt_tokens for one in found]),
        answer_tokens=mean([one.answer_tokens for one in found]),
    )


def _window(cost: Cost) -> Work:
    return Work(1, cost.prompt, strategies.ANSWER_TOKENS * WINDOW)


def _cross_encoder_row(precision: str, found: Sequence[Outcome]) -> list[str]:
    ms, ranked = [one.ms for one in found], [one.candidates for one in found]
    tokens = sum(one.usage.prompt_tokens for one in found)
    return [
        f"{precision}, as pulled" if precision == PULLED else precision,
        *(f"{quantile(ms, share):.0f}" for share in (0.5, 0.95)),
        f"{median(ranked):.0f}",
        f"{min(ranked)}",
        f"{tokens / max(1, sum(ranked)):.0f}",
        f"{tokens / sum(ms) * 1000:,.0f}",
    ]


def _record(outcome: Outcome) -> dict[str, float | str]:
    return {
        "ms": round(outcome.ms, 1),
        "candidates": outcome.candidates,
        "tokens": outcome.usage.prompt_tokens,
        "status": str(outcome.status),
    }


def _short(value: float | str) -> float | str:
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
