"""Rank passages by asking a language model for the order of one window after another."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from coderank.errors import InvalidQueryError, ModelError
from coderank.reranking.chat import ChatError
from coderank.reranking.contract import Ranking, Status, Usage
from coderank.reranking.pace import Pace
from coderank.reranking.parse import parse
from coderank.reranking.prompt import Variant, answer_tokens, build
from coderank.reranking.window import STEP, WINDOW, rounds, sliding, topdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.reranking.chat import Chat, Completion, Tokenizer
    from coderank.reranking.memory import Entry
    from coderank.reranking.parse import Fault
    from coderank.reranking.window import Step, Strategy

STRATEGIES: dict[str, Strategy] = {
    "sliding": partial(sliding, window=WINDOW, step=STEP),
    "topdown": partial(topdown, window=WINDOW),
}
"""By name, with the window that the model was trained with."""

_rounds = lru_cache(maxsize=4096)(rounds)


class Listwise:
    """A reranker over a language model. As safe among threads as its chat."""

    least = WINDOW
    """A single call ranks so many: with fewer, a cross-encoder that ranks more is the better use of the time."""

    def __init__(
        self,
        chat: Chat,
        tokenizer: Tokenizer,
        strategy: Strategy,
        variant: Variant = Variant.DOC_STRING,
        clock: Callable[[], float] = time.monotonic,
        entry: Entry | None = None,
    ) -> None:
        """Describe the reranker; ``strategy`` is one of STRATEGIES, or one with another window.

        ``entry`` keeps the measured speed for other processes.
        """
        self._chat = chat
        self._tokenizer = tokenizer
        self._strategy = strategy
        self._variant = variant
        self._clock = clock
        self._pace = Pace(entry)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._chat.name

    def fit(self, passages: int, budget_ms: float) -> int:
        """Tell how many passages fit; where the speed is not known or no longer sure one window, to measure by."""
        measured = self._pace.ms_per_unit
        per_step = self._chat.assumed_step_ms if measured is None else measured
        if not per_step:
            return min(passages, WINDOW)
        steps = budget_ms / per_step
        fitting = next((count for count in range(passages, 1, -1) if self._steps(count) <= steps), 0)
        return min(passages, WINDOW) if not fitting and measured and self._pace.is_stale else fitting

    def unavailable(self) -> str:
        """Say why the model would not be asked now; empty when it would."""
        return self._chat.unavailable()

    def prepare(self) -> None:
        """Load the model."""
        with suppress(ModelError):  # which the call will tell
            self._chat.load()

    def rerank(self, query: str, passages: Sequence[str], budget_ms: float | None = None) -> Ranking:
        """Rank the passages; a window whose answer holds no ranking keeps its order and is counted."""
        run = _Run(self._clock, self._chat.concurrency)
        try:
            self._chat.load()
            run.start(budget_ms)
            self._ask(run, query, passages)
        except (InvalidQueryError, ModelError) as error:
            run.stopped = str(error)
        ranking = run.ranking(len(passages))
        if not run.errors and len(passages) >= WINDOW:
            # A call that failed says how long its time-out was, a window that is not full how fast a part of one is.
            self._pace.record(ranking.usage.steps, ranking.usage.ms)
        return ranking

    def _steps(self, passages: int) -> int:
        """Count the calls in sequence; windows that the chat answers at once count as one."""
        return sum(-(-windows // self._chat.concurrency) for windows in _rounds(self._strategy, passages))

    def _ask(self, run: _Run, query: str, passages: Sequence[str]) -> None:
        """Ask step after step, up to the end of the plan or of the time."""
        plan = self._strategy(len(passages))
        try:
            step = next(plan)
            while run.may_ask(step):
                step = plan.send(run.read(step, self._answers(run, query, passages, step)))
        except StopIteration as end:
            run.order = end.value

    def _answers(self, run: _Run, query: str, passages: Sequence[str], step: Step) -> Sequence[Completion | ChatError]:
        prompts = [
            build(query, [passages[at] for at in window], self._tokenizer, self._chat.context_tokens, self._variant)
            for window in step.windows
        ]
        longest = answer_tokens(max(map(len, step.windows)), self._tokenizer)
        return self._chat.complete([prompt.messages() for prompt in prompts], longest, run.seconds_left())


@dataclass(slots=True)
class _Run:
    """The account of one reranking."""

    clock: Callable[[], float]
    concurrency: int
    started: float = 0.0
    deadline: float | None = None
    order: tuple[int, ...] = ()
    stopped: str = ""
    calls: int = 0
    steps: int = 0
    readable: int = 0
    malformed: int = 0
    errors: list[ChatError] = field(default_factory=list)
    faults: Counter[Fault] = field(default_factory=Counter)
    prompt_tokens: int = 0
    answer_tokens: int = 0

    def start(self, budget_ms: float | None) -> None:
        """Start the clock: the model is loaded."""
        self.started = self.clock()
        self.deadline = None if budget_ms is None else self.started + budget_ms / 1000

    def seconds_left(self) -> float | None:
        """Give the time that a call may take; None for any."""
        return None if self.deadline is None else max(0.0, self.deadline - self.clock())

    def may_ask(self, step: Step) -> bool:
        """Take over the order up to this step, and tell whether to go on with it."""
        self.order = step.order
        if not self.stopped and self.seconds_left() == 0:
            self.stopped = "the time budget was spent"
        return not self.stopped

    def read(self, step: Step, answers: Sequence[Completion | ChatError]) -> list[Sequence[int]]:
        """Count the answers, and give each window in the order that its answer says."""
        self.calls += len(answers)
        self.steps += -(-len(answers) // self.concurrency)
        errors = [answer for answer in answers if isinstance(answer, ChatError)]
        self.errors += errors
        if len(errors) == len(answers):
            self.stopped = str(errors[0])
        return [self._window(window, answer) for window, answer in zip(step.windows, answers, strict=True)]

    def _window(self, window: tuple[int, ...], answer: Completion | ChatError) -> Sequence[int]:
        if isinstance(answer, ChatError):
            return window
        self.prompt_tokens += answer.prompt_tokens
        self.answer_tokens += answer.answer_tokens
        parsed = parse(answer.text, len(window))
        self.faults.update(parsed.faults)
        self.malformed += parsed.malformed
        if parsed.order is None:
            return window
        self.readable += 1
        return [window[position] for position in parsed.order]

    def ranking(self, passages: int) -> Ranking:
        """Draw the account up. Without a single readable answer there is no order."""
        if passages > 1 and not self.readable:
            return Ranking(Status.FAILED, (), self._why(), usage=self._usage())
        why = self._why()
        return Ranking(Status.PARTIAL if why else Status.COMPLETE, self.order, why, usage=self._usage())

    def _why(self) -> str:
        reasons = [self.stopped] if self.stopped else []
        if self.errors and not self.stopped:
            reasons.append(f"{len(self.errors)} of {self.calls} calls failed: {self.errors[0]}")
        if self.malformed:
            kinds = ", ".join(f"{fault} {count}x" for fault, count in sorted(self.faults.items()))
            reasons.append(f"{self.malformed} of {self.calls} answers malformed ({kinds})")
        return "; ".join(reasons)

    def _usage(self) -> Usage:
        return Usage(
            calls=self.calls,
            steps=self.steps,
            failed=len(self.errors),
            malformed=self.malformed,
            prompt_tokens=self.prompt_tokens,
            answer_tokens=self.answer_tokens,
            ms=(self.clock() - self.started) * 1000 if self.calls else 0.0,
        )
