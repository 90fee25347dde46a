"""Hand-written language models: they know the true order of passages, or fail in a given way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from coderank.reranking.chat import ChatError, Completion

if TYPE_CHECKING:
    from coderank.reranking.chat import Messages

_PASSAGE = re.compile(r"^\[(\d+)\] .*?passage (\d+)\b", re.MULTILINE)


def passage(grade: int) -> str:
    """A passage whose true place is ``grade``."""
    return f"def passage {grade}():\n    return table[{grade}]\n"


def true_answer(user: str) -> str:
    """Rank what a prompt shows by the grades of its passages, as a perfect model would."""
    found = [(int(grade), int(number)) for number, grade in _PASSAGE.findall(user)]
    return " > ".join(f"[{number}]" for _, number in sorted(found))


class Judge:
    """A chat in this process. ``answer`` maps the number of the call and the user's turn to text or an error."""

    def __init__(
        self,
        answer: Callable[[int, str], str | ChatError] = lambda _, user: true_answer(user),
        concurrency: int = 1,
        context_tokens: int = 1_000_000,
        assumed_step_ms: float = 0.0,
    ) -> None:
        self.name = "judge"
        self.assumed_step_ms = assumed_step_ms
        self.concurrency = concurrency
        self.context_tokens = context_tokens
        self.batches: list[list[Messages]] = []
        self.timeouts: list[float | None] = []
        self.loads = 0
        self.reason = ""
        self._answer = answer

    @property
    def calls(self) -> int:
        return sum(map(len, self.batches))

    def unavailable(self) -> str:
        return self.reason

    def load(self) -> None:
        self.loads += 1

    def complete(
        self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None = None
    ) -> list[Completion | ChatError]:
        first = self.calls
        self.batches.append(list(batch))
        self.timeouts.append(timeout_s)
        answers = (self._answer(first + at, messages[1]["content"]) for at, messages in enumerate(batch))
        return [answer if isinstance(answer, ChatError) else Completion(answer, 100, 10) for answer in answers]


class Clock:
    """Time that stands still unless told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
