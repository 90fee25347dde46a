"""What a listwise reranker needs of a language model: a chat, and a count of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from coderank.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Messages: TypeAlias = Sequence[dict[str, str]]
    """Turns of one conversation, each with ``role`` and ``content``."""


class ChatError(ModelError):
    """A language model gave no answer. Its text is for people and is never read as an answer."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer of a language model, with the tokens it was charged for (0 where not told)."""

    text: str
    prompt_tokens: int = 0
    answer_tokens: int = 0


class Chat(Protocol):
    """Answers conversations at temperature 0."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        ...

    @property
    def concurrency(self) -> int:
        """Conversations that are answered in the time of one."""
        ...

    @property
    def assumed_step_ms(self) -> float:
        """Time that a window may take before one was measured; 0 where only a try can tell."""
        ...

    def unavailable(self) -> str:
        """Say why it would not be asked now; empty when it would."""
        ...

    def load(self) -> None:
        """Make ready to answer, where that takes time of its own. Raises ModelError when it cannot."""
        ...

    def complete(
        self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None = None
    ) -> list[Completion | ChatError]:
        """Answer each conversation with at most ``max_tokens``; one that fails fails alone, in its place."""
        ...


class Tokenizer(Protocol):
    """Counts and cuts text as the language model does. Equal to itself alone, so that its cuts can be kept."""

    def __hash__(self) -> int:
        """Tell tokenizers apart."""
        ...

    def count(self, text: str) -> int:
        """Count the tokens of a text; chat-template tokens in it are one each."""
        ...

    def cut(self, text: str, tokens: int) -> str:
        """Return the longest beginning of a text that has at most so many tokens."""
        ...
