"""Count and cut text in tokens: with the model's own tokenizer, or by estimate where only an endpoint is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

CHARACTERS_PER_TOKEN = 3
"""Estimate for code in Qwen's vocabulary, on the safe side: code has about 3.1 characters in a WordPiece token, and
Qwen's vocabulary is five times larger."""
LONGEST_TOKEN = 32
"""Characters read for each token that is kept, so that half a megabyte costs what a page does. Runs of spaces are the
longest tokens of code."""


class EstimatedTokenizer:
    """Counts characters, for an endpoint whose vocabulary is not at hand."""

    def count(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)

    def cut(self, text: str, tokens: int) -> str:
        """Return the beginning of a text that has about so many tokens."""
        return text[: tokens * CHARACTERS_PER_TOKEN]


class VocabularyTokenizer:
    """Counts with the ``tokenizer.json`` of a model. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Read the vocabulary.

        Raises:
            ModelUnavailableError: the file is missing or no tokenizer.
        """
        from tokenizers import Tokenizer  # noqa: PLC0415 - 40 ms, and most searches are not reranked

        try:
            self._tokenizer = Tokenizer.from_buffer(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ModelUnavailableError(f"cannot read the tokenizer {path}: {error}", "Run: coderank doctor") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count(self, text: str) -> int:
        """Count the tokens of a text; chat-template tokens in it are one each."""
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False).ids)

    def cut(self, text: str, tokens: int) -> str:
        """Return the longest beginning of a text that has at most so many tokens."""
        read = encodable(text[: tokens * LONGEST_TOKEN])
        ends = [end for _, end in self._tokenizer.encode(read, add_special_tokens=False).offsets]
        return read if len(ends) <= tokens else read[: ends[tokens - 1]]


def encodable(text: str) -> str:
    """Give a text as a tokenizer takes it: without lone surrogates."""
    # A file name that is not UTF-8 reaches a text as lone surrogates, which the tokenizer refuses.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
