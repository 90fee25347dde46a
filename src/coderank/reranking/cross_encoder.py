"""Rank passages by the score of each with the query: fast, and good enough where no language model fits the time."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from coderank.errors import ModelError, ModelUnavailableError
from coderank.reranking.contract import Ranking, Status, Usage
from coderank.reranking.pace import Pace
from coderank.reranking.pairs import PairTokenizer, files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding

    from coderank.reranking.memory import Entry
    from coderank.reranking.pairs import Find, Scorer

    Batching: TypeAlias = Callable[[Sequence[int], int], list[list[int]]]
    """Splits texts of these lengths into batches of indices that have at most so many tokens with their padding."""

MAX_TOKENS = 512
"""Of query and passage together, with special tokens: what the MS MARCO models were trained with."""
WANTED = 30
"""Passages that shall fit into a budget before each of them is shown at full length: the answer is more often missing
from a short list than from the first lines of a chunk, and the header says where a chunk stands."""
LEAST_PAIR_TOKENS = 64
"""A pair is not cut shorter for the sake of time: a query of 15 tokens, a header of 20, a signature and a line or two.
With 0.2 ms for a token, 30 such pairs fit into 500 ms."""
ASSUMED_MS_PER_TOKEN = 0.2
"""Before the first measurement, on the safe side: all-MiniLM-L6, of the same shape, takes 0.14 in int8 on 2 cores."""
TELLING_TOKENS = 128
"""Of fewer tokens the time says more of the call than of the model."""
SAFETY = 0.8
"""Share of the budget that is planned with: speed varies from batch to batch, a promise does not."""
BLOCK = 16
"""Passages between two looks at the clock. What is not reached is the end of the retrieval's list."""
BATCH_TOKENS = 512
"""Padded tokens that are scored at once, in one batch or in one for each thread. all-MiniLM-L6 in int8, pairs of 128
tokens, 2 cores with much else to do: 2,000 tokens/s at 256, 1,400 at 512, 900 at 1,024, 700 at 2,048; pairs of 96:
1,400, 2,400, 1,200, 1,000."""


class CrossEncoder:
    """A reranker over one ONNX file, or over safetensors by torch. Loads on first use; calls take turns."""

    least = 2

    def __init__(
        self,
        name: str,
        where: Path | Find,
        batching: Batching,
        *,
        max_tokens: int = MAX_TOKENS,
        threads: int = 0,
        clock: Callable[[], float] = time.perf_counter,
        entry: Entry | None = None,
    ) -> None:
        """Describe the reranker, without loading it.

        ``where`` finds its files, or is a folder that holds ``model.onnx``, or ``model.safetensors`` with its
        ``config.json``, and ``tokenizer.json`` or ``vocab.txt``; ``batching`` plans batches, ``threads`` is the number
        of cores to use, 0 for all; ``entry`` keeps the measured speed for other processes.
        """
        self._name = name
        self._find = where if callable(where) else partial(files, where)
        self._batching = batching
        self._max_tokens = max_tokens
        self._threads = threads
        self._clock = clock
        self._pace = Pace(entry)
        self._lock = threading.Lock()
        self._loaded: tuple[PairTokenizer, Scorer] | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    def unavailable(self) -> str:
        """Say that the files are missing; empty when they are there."""
        try:
            self._find()
        except ModelUnavailableError as error:
            return str(error)
        return ""

    def fit(self, passages: int, budget_ms: float) -> int:
        """Take all passages where a few fit at any rate: how many fit shows only when they are tokenised."""
        tokens = self._affordable(budget_ms)
        certain = tokens // self._pair_tokens(tokens)
        return passages if certain >= self.least else min(certain, passages)

    def prepare(self) -> None:
        """Load the model."""
        with suppress(ModelError), self._lock:  # which the call will tell
            self._open()

    def rerank(self, query: str, passages: Sequence[str], budget_ms: float | None = None) -> Ranking:
        """Rank the passages by the model's raw logit; in a budget, as many from the first on as fit."""
        try:
            with self._lock:
                tokenizer, scorer = self._open()
                # Loading happens once in a process, and says nothing of what fits.
                deadline = None if budget_ms is None else self._clock() + budget_ms / 1000
                with ThreadPoolExecutor(scorer.at_once, thread_name_prefix="coderank-pairs") as workers:
                    work = _Work(tokenizer, scorer, self._batching, workers, self._clock, deadline)
                    work.score(self._rows(work, query, passages))
        except ModelError as error:
            return Ranking(Status.FAILED, (), str(error))
        usage = work.usage()
        if usage.prompt_tokens >= TELLING_TOKENS:
            self._pace.record(usage.prompt_tokens, usage.ms)
        return _ranking(work.scores, len(passages), usage)

    def _open(self) -> tuple[PairTokenizer, Scorer]:
        if self._loaded is None:
            found = self._find()
            scorer: Scorer
            if found.is_graph:
                from coderank.reranking.pair_model import GraphPairs  # noqa: PLC0415

                scorer = GraphPairs(found.weights, self._threads)
            else:
                from coderank.reranking.pair_torch import TorchPairs  # noqa: PLC0415 - torch: 5 s

                scorer = TorchPairs(found.weights.parent, self._threads)
            self._loaded = PairTokenizer(found.vocabulary), scorer
        return self._loaded

    def _rows(self, work: _Work, query: str, passages: Sequence[str]) -> list[Encoding]:
        """Tokenise the passages that can be reached, each with the query."""
        if work.deadline is None:
            return work.tokenizer.encode(query, passages, self._max_tokens)
        tokens = self._affordable(work.ms_left())
        # Most passages are shorter than the limit, so that more of them fit than would of that length.
        rows = work.tokenizer.encode(query, passages, self._pair_tokens(tokens))
        return rows[: bisect_right(list(accumulate(len(row.ids) for row in rows)), tokens)]

    def _affordable(self, budget_ms: float) -> int:
        """Count the tokens that can be read in the time."""
        return int(SAFETY * max(0.0, budget_ms) / (self._pace.ms_per_unit or ASSUMED_MS_PER_TOKEN))

    def _pair_tokens(self, tokens: int) -> int:
        """Share the tokens out: the longest that a pair may be."""
        return min(self._max_tokens, max(LEAST_PAIR_TOKENS, tokens // WANTED))


class _Work:
    """One reranking: scores of the first passages, and what they cost."""

    def __init__(
        self,
        tokenizer: PairTokenizer,
        scorer: Scorer,
        batching: Batching,
        workers: ThreadPoolExecutor,
        clock: Callable[[], float],
        deadline: float | None,
    ) -> None:
        self.tokenizer = tokenizer
        self._scorer = scorer
        self.deadline = deadline
        self.scores: list[float] = []
        self._batching = batching
        self._workers = workers
        self._clock = clock
        self._started = clock()
        self._calls = 0
        self._tokens = 0

    def ms_left(self) -> float:
        """Give the time up to the deadline, which there must be."""
        return ((self.deadline or 0.0) - self._clock()) * 1000

    def score(self, rows: Sequence[Encoding]) -> None:
        """Score block after block, as long as the next one is likely to end in time."""
        began = self._clock()
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            if self.deadline is not None and self._ms_for(block, began) > self.ms_left():
                return
            self.scores += self._block(block)

    def usage(self) -> Usage:
        """Draw the account up."""
        return Usage(
            calls=self._calls,
            steps=self._calls,
            prompt_tokens=self._tokens,
            ms=(self._clock() - self._started) * 1000,
        )

    def _ms_for(self, rows: Sequence[Encoding], began: float) -> float:
        """Estimate the time of a block by those before it; the first one costs nothing, to measure by."""
        per_token = (self._clock() - began) * 1000 / max(1, self._tokens)
        return per_token * sum(len(row.ids) for row in rows) if self._tokens else 0.0

    def _block(self, rows: Sequence[Encoding]) -> list[float]:
        scores = [0.0] * len(rows)
        batches = self._batching([len(row.ids) for row in rows], BATCH_TOKENS // self._scorer.at_once)

        def logits_of(batch: list[int]) -> NDArray[np.float32]:
            return self._scorer.logits([rows[index] for index in batch], self.tokenizer.padding)

        for batch, logits in zip(batches, self._workers.map(logits_of, batches), strict=True):
            for index, logit in zip(batch, logits, strict=True):
                scores[index] = float(logit)
            self._calls += 1
            self._tokens += sum(len(rows[index].ids) for index in batch)
        return scores


def _ranking(scores: Sequence[float], passages: int, usage: Usage) -> Ranking:
    if passages and not scores:
        return Ranking(Status.FAILED, (), "the time budget was spent before the first passage", usage=usage)
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    missing = passages - len(scores)
    return Ranking(
        Status.PARTIAL if missing else Status.COMPLETE,
        tuple(order),
        f"{len(scores)} of {passages} fit into the time budget" if missing else "",
        tuple(scores[at] for at in order),
        usage,
    )
