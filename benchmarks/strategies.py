"""What ``sliding`` and ``topdown`` ask of a listwise model, and what they make of its answers. Pure: no model runs.

An oracle that knows the true order answers the real prompts of the real reranker, exactly or with an error in its
judgement of every passage.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

from benchmarks.decoder import Work
from benchmarks.results import Table
from coderank.evaluation.metrics import mean, ndcg
from coderank.reranking.chat import Completion
from coderank.reranking.listwise import STRATEGIES, Listwise
from coderank.reranking.prompt import build
from coderank.reranking.tokens import EstimatedTokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coderank.reranking.chat import ChatError, Messages
    from coderank.reranking.contract import Usage

PASSAGES = 100
STARTS = 100
"""Starting orders of each row: enough that the mean nDCG@10 moves by about 0.01 with another seed."""
DISORDER = {"random": 1e9, "retrieved": 20.0}
"""Starting orders, by the standard deviation of the place that a passage starts from: nothing is known of it, or about
what a retrieval knows: the last of the best five is then found at place 28, on average."""
ERRORS = {"perfect": 0.0, "off by 10": 10.0}
"""Judges: the standard deviation of the place, of 100, that one takes a passage for, drawn anew at every look."""
SEED = 7
CONCURRENCY = 16
"""Windows that the endpoint answers at once: no step of ``topdown`` over 100 passages has more than ten."""
CHARACTERS = 1_200
"""Of a passage: a chunk of 40 lines has 397 tokens of three characters."""
ANSWER_TOKENS = 4
"""Of a passage in an answer: its number, two brackets and the sign behind it are tokens of their own in Qwen's
vocabulary."""
FIRST = 5
"""Places that both strategies promise to get right with a perfect judge."""

_PASSAGE = re.compile(r"^\[(\d+)\] passage (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one strategy cost and reached, as means over the starting orders."""

    calls: float
    steps: float
    prompt_tokens: float
    ndcg: float
    first: float
    """Share of the best five that stand among the first five."""
    tau: float


class Oracle:
    """A chat that ranks the passages of a prompt by their true places, each seen with an error."""

    name = "oracle"
    concurrency = CONCURRENCY
    context_tokens = 32_768
    assumed_step_ms = 0.0

    def __init__(self, error: float, source: random.Random) -> None:
        self._error = error
        self._source = source
        self._tokenizer = EstimatedTokenizer()

    def unavailable(self) -> str:
        return ""

    def load(self) -> None:
        return None

    def complete(
        self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None = None
    ) -> list[Completion | ChatError]:
        del max_tokens, timeout_s  # it is never long, and always in time
        return [self._answer(messages) for messages in batch]

    def _answer(self, messages: Messages) -> Completion:
        read = sum(self._tokenizer.count(turn["content"]) for turn in messages)
        seen = [
            (int(place) + self._source.gauss(0.0, self._error), number)
            for number, place in _PASSAGE.findall(messages[-1]["content"])
        ]
        text = " > ".join(f"[{number}]" for _, number in sorted(seen))
        return Completion(text, read, self._tokenizer.count(text))


def passage(place: int) -> str:
    """Write a passage that says its true place, as long as an ordinary chunk."""
    return f"passage {place}\n".ljust(CHARACTERS, ".")


def agreement(order: Sequence[int]) -> tuple[float, float, float]:
    """Compare an order of true places with the true one: nDCG@10, share of the first places, Kendall's tau.

    The gains of the best ten passages are 10, 9, ... 1; the rest is worth nothing.
    """
    gains = {str(place): float(10 - place) for place in range(min(10, len(order)))}
    first = len(set(order[:FIRST]) & set(range(FIRST))) / FIRST
    return ndcg([str(place) for place in order], gains), first, kendall(order)


def kendall(order: Sequence[int]) -> float:
    """Return Kendall's tau of an order of distinct places to the ascending one: 1 if equal, -1 if reversed."""
    pairs = len(order) * (len(order) - 1) // 2
    wrong = sum(before > after for before, after in combinations(order, 2))
    return 1 - 2 * wrong / pairs if pairs else 1.0


def outcome(strategy: str, start: str, judge: str, passages: int = PASSAGES, starts: int = STARTS) -> Outcome:
    """Rerank starting orders, the same ones for every strategy and judge."""
    runs = [_run(strategy, start, judge, passages, seed) for seed in range(SEED, SEED + starts)]
    agreements = [agreement(order) for order, _ in runs]
    return Outcome(
        calls=mean([usage.calls for _, usage in runs]),
        steps=mean([usage.steps for _, usage in runs]),
        prompt_tokens=mean([usage.prompt_tokens for _, usage in runs]),
        ndcg=mean([found[0] for found in agreements]),
        first=mean([found[1] for found in agreements]),
        tau=mean([found[2] for found in agreements]),
    )


def starting_order(start: str, passages: int, source: random.Random) -> list[int]:
    """Draw an order of true places."""
    from_where = [place + source.gauss(0.0, DISORDER[start]) for place in range(passages)]
    return sorted(range(passages), key=lambda place: from_where[place])


def _run(strategy: str, start: str, judge: str, passages: int, seed: int) -> tuple[list[int], Usage]:
    source = random.Random(seed)
    places = starting_order(start, passages, source)
    reranker = Listwise(Oracle(ERRORS[judge], source), EstimatedTokenizer(), STRATEGIES[strategy])
    ranking = reranker.rerank("read the configuration", [passage(place) for place in places])
    return [places[position] for position in ranking.order], ranking.usage


def work_of(strategy: str, query: str, passages: Sequence[str]) -> Work:
    """Count what a strategy asks of a model for these passages, by the real prompts, when windows keep their order."""
    tokenizer, plan = EstimatedTokenizer(), STRATEGIES[strategy](len(passages))
    windows, step = list[tuple[int, ...]](), next(plan, None)
    while step is not None:
        windows += step.windows
        try:
            step = plan.send(step.windows)
        except StopIteration:
            step = None
    prompts = [build(query, [passages[at] for at in window], tokenizer, Oracle.context_tokens) for window in windows]
    return Work(
        calls=len(windows),
        prompt_tokens=sum(tokenizer.count(prompt.chatml()) for prompt in prompts),
        answer_tokens=ANSWER_TOKENS * sum(map(len, windows)),
    )


def outcomes(passages: int = PASSAGES, starts: int = STARTS) -> dict[tuple[str, str, str], Outcome]:
    """Return every strategy from every kind of start with every judge, by their names in this order."""
    return {
        (strategy, start, judge): outcome(strategy, start, judge, passages, starts)
        for start, judge, strategy in product(DISORDER, ERRORS, STRATEGIES)
    }


def table(found: Mapping[tuple[str, str, str], Outcome]) -> Table:
    """Show them as rows."""
    title = f"Listwise strategies with an oracle for a model: {PASSAGES} passages, mean of {STARTS} starting orders"
    cost = ("calls", "calls in sequence", "prompt tokens")
    columns = ("strategy", "start", "judge", *cost, "nDCG@10", "best 5 in first 5", "tau")
    return Table(title, columns, list(_rows(found)))


def _rows(found: Mapping[tuple[str, str, str], Outcome]) -> Iterator[list[str]]:
    for names, one in found.items():
        cost = [f"{one.calls:.0f}", f"{one.steps:.0f}", f"{one.prompt_tokens:,.0f}"]
        yield [*names, *cost, f"{one.ndcg:.3f}", f"{one.first:.2f}", f"{one.tau:.2f}"]
