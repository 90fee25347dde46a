"""The prompts of CodeRankLLM, byte for byte those of its authors, safe against what passages say. Pure.

Source of the strings and of the handling: gangiswag/llm-reranker at 2d7cba4, scripts/utils/rank_listwise_os_llm.py.
The authors repair the whole prompt with ftfy after the chat template is applied. The template's first line has a ``<``,
which switches ftfy's HTML unescaping off for all that follows, so the same bytes come out of repairing each part
without unescaping. Only then can it be disarmed: ftfy turns full-width brackets and bars into ASCII and drops terminal
escapes, and either may complete an identifier or a template token that was not there before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from coderank.errors import InvalidQueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.reranking.chat import Messages, Tokenizer

PASSAGE_TOKENS = 1024
"""Tokens of a passage that are shown: the authors' value."""
ANSWER_SLACK = 8
"""Tokens beyond those of a well-formed answer. The authors cut one token short, which loses the last bracket; room for
an end-of-turn token and a little more lets an answer that goes on talking show itself as malformed."""
CACHED_PASSAGES = 1024
"""Passages kept ready: each is shown in two windows of one query, and often again in the next query."""


class Variant(StrEnum):
    """What the query is."""

    DOC_STRING = "docstring"
    GITHUB_ISSUE = "github_issue"


@dataclass(frozen=True, slots=True)
class _Wording:
    system: str
    opening: str
    closing: str


_WORDINGS = {
    Variant.DOC_STRING: _Wording(
        system=(
            "You are CodeRanker, an intelligent code reviewer that can analyze doc strings and rank code snippets "
            "based on their relevance to the doc string."
        ),
        opening=(
            "I will provide you with {num} code snippets, each indicated by a numerical identifier []. Rank the code "
            "snippets based on their relevance to the functionality described by the following doc string: {query}.\n\n"
        ),
        closing=(
            "Doc String: {query}.\nRank the {num} code snippets above based on their relevance to the functionality "
            "described by the doc string. All the code snippets should be included and listed using identifiers, in "
            "descending order of relevance. The output format should be [] > [], e.g., [2] > [1]. Only respond with "
            "the ranking results, do not say any word or explain."
        ),
    ),
    Variant.GITHUB_ISSUE: _Wording(
        system=(
            "You are CodeRanker, an intelligent code reviewer that can analyze GitHub issues and rank code functions "
            "based on their relevance to contain the faults causing the GitHub issue."
        ),
        opening=(
            "I will provide you with {num} code functions, each indicated by a numerical identifier []. Rank the code "
            "functions based on their relevance to contain the faults causing the GitHub issue: {query}.\n\n"
        ),
        # The space before the newline is the authors'.
        closing=(
            "GitHub Issue: {query}. \nRank the {num} code functions above based on their relevance to contain the "
            "faults causing the GitHub issue. All the code functions should be included and listed using identifiers, "
            "in descending order of relevance. The output format should be [] > [], e.g., [2] > [1]. Only respond "
            "with the ranking results, do not say any word or explain."
        ),
    ),
}

_IDENTIFIER = re.compile(r"\[(\d+)\]")
_TEMPLATE_TOKEN = re.compile(
    r"<(?=\|[^\s|<>]{1,64}\|>"  # ChatML and its relatives: Qwen, Llama 3, Phi, DeepSeek
    r"|/?(?:s|bos|eos|pad|unk|think|tool_call|tool_response|tools|start_of_turn|end_of_turn)>"  # Llama 2, Gemma, Qwen
    r"|</?SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"  # Mistral
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that asks for the order of a window."""

    system: str
    user: str
    passage_tokens: int
    """The limit that passages were cut to, so that all fit into the context."""

    def messages(self) -> Messages:
        """Give the turns as a chat takes them."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]

    def chatml(self) -> str:
        """Give the text that Qwen's chat template makes of it, ready for the answer."""
        return (
            f"<|im_start|>system\n{self.system}<|im_end|>\n<|im_start|>user\n{self.user}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )


def build(
    query: str,
    passages: Sequence[str],
    tokenizer: Tokenizer,
    context_tokens: int,
    variant: Variant = Variant.DOC_STRING,
) -> Prompt:
    """Ask for the order of the passages, cut so that prompt and answer fit into ``context_tokens``.

    Raises:
        InvalidQueryError: the query alone leaves no room for a token of each passage.
    """
    room = context_tokens - answer_tokens(len(passages), tokenizer)
    limit = PASSAGE_TOKENS
    while limit > 0:
        prompt = _at(query, passages, tokenizer, variant, limit)
        overflow = tokenizer.count(prompt.chatml()) - room
        if overflow <= 0:
            return prompt
        limit -= max(1, overflow // (len(passages) * 4))
    raise InvalidQueryError(
        f"the query ({len(query)} characters) leaves no room for code in a context of {context_tokens} tokens",
        "Shorten the query, or search without --rerank",
    )


def answer_tokens(passages: int, tokenizer: Tokenizer) -> int:
    """Count the tokens that an answer may have."""
    return tokenizer.count(" > ".join(f"[{number}]" for number in range(1, passages + 1))) + ANSWER_SLACK


def disarm(text: str) -> str:
    """Break every chat-template token with a space after its bracket, so that it is read as text."""
    return _TEMPLATE_TOKEN.sub(lambda bracket: f"{bracket.group()} ", text)


def _at(query: str, passages: Sequence[str], tokenizer: Tokenizer, variant: Variant, limit: int) -> Prompt:
    wording = _WORDINGS[variant]
    asked = disarm(_repaired(query))
    shown = "".join(
        f"[{number}] {_shown(passage, tokenizer, limit)}\n" for number, passage in enumerate(passages, start=1)
    )
    opening = wording.opening.replace("{num}", str(len(passages))).replace("{query}", asked)
    closing = wording.closing.replace("{num}", str(len(passages))).replace("{query}", asked)
    return Prompt(wording.system, f"{opening}{shown}{closing}", limit)


@lru_cache(maxsize=CACHED_PASSAGES)
def _shown(passage: str, tokenizer: Tokenizer, limit: int) -> str:
    cut = tokenizer.cut(disarm(passage.replace("Title: Content: ", "")), limit)
    return disarm(_without_identifiers(_repaired(_without_identifiers(cut))))


def _without_identifiers(text: str) -> str:
    """Take from a passage what looks like the number of a passage: ``[12]`` becomes ``(12)``."""
    return _IDENTIFIER.sub(r"(\1)", text)


def _repaired(text: str) -> str:
    if text.isascii() and not _CONTROL.search(text):
        # What ftfy leaves alone; it takes 0.4 ms for a kilobyte.
        return text
    import ftfy  # noqa: PLC0415 - 30 ms, and most code does not need it

    return ftfy.fix_text(text, unescape_html=False)
