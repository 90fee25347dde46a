"""What a decoder of the size of CodeRankLLM costs on this CPU: one of its layers is timed, and counted often.

The layers of a decoder are alike, so that the time of all of them is that of one, as often as there are layers, and of
the last matrix, which turns the state of a token into the next one. Needs torch; weights are random.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coderank.evaluation.metrics import median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PRECISIONS = ("fp32", "bf16")
PROMPTS = (512, 2_048, 4_096)
"""Tokens of prompts: a window of ten one-line functions, of ordinary chunks, and of long ones."""
ROUNDS = 3
"""Times each is measured; the median counts."""
ENOUGH_S = 20.0
"""A prompt that took so long is not read again: of a median of such times nothing new is learned."""
STEPS = 8
"""Tokens generated for one time of a step."""
_TYPES = {"fp32": "float32", "bf16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a Qwen2 decoder."""

    hidden: int = 3_584
    inner: int = 18_944
    heads: int = 28
    key_value_heads: int = 4
    layers: int = 28
    vocabulary: int = 152_064

    @property
    def flop_per_token(self) -> float:
        """Arithmetic of one prompt token in all layers, without attention: two for every weight."""
        head = self.hidden // self.heads
        attention = 2 * self.hidden * (self.hidden + self.key_value_heads * head)
        return 2.0 * self.layers * (attention + 3 * self.hidden * self.inner)


CODERANK_LLM = Shape()
"""Qwen2.5-Coder-7B, which CodeRankLLM was tuned from."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Times of one layer and of the last matrix in one precision, in seconds."""

    precision: str
    prompt: int
    """Tokens of the prompt."""
    layer_prompt: float
    """One layer reads the prompt."""
    layer_step: float
    """One layer computes one more token behind it."""
    head: float
    """The last matrix, for one token."""
    layers: int

    @property
    def prompt_rate(self) -> float:
        """Prompt tokens a second, all layers."""
        return self.prompt / (self.layers * self.layer_prompt + self.head)

    @property
    def answer_rate(self) -> float:
        """Generated tokens a second, all layers."""
        return 1 / (self.layers * self.layer_step + self.head)


@dataclass(frozen=True, slots=True)
class Work:
    """What a reranking asks of a model."""

    calls: float
    prompt_tokens: float
    """Of all calls."""
    answer_tokens: float
    """Of all calls."""

    def seconds(self, cost: Cost) -> float:
        """Return how long a model takes that does one call after the other, as a CPU does that one call fills."""
        return self.prompt_tokens / cost.prompt_rate + self.answer_tokens / cost.answer_rate

    def petaflops_within(self, seconds: float, shape: Shape = CODERANK_LLM) -> float:
        """Return the speed, in 10^15 operations a second, that the prompts alone need for so short a time."""
        return self.prompt_tokens * shape.flop_per_token / seconds / 1e15


def costs(
    shape: Shape = CODERANK_LLM, prompts: Sequence[int] = PROMPTS, precisions: Sequence[str] = PRECISIONS
) -> list[Cost]:
    """Time one layer of the shape for prompts of each length, in each precision."""
    return [cost for precision in precisions for cost in _costs(shape, prompts, precision)]


def nearest(found: Sequence[Cost], precision: str, prompt: float) -> Cost:
    """Return what was measured in a precision for the prompt of the nearest length."""
    return min((cost for cost in found if cost.precision == precision), key=lambda cost: abs(cost.prompt - prompt))


def _costs(shape: Shape, prompts: Sequence[int], precision: str) -> list[Cost]:
    import torch  # noqa: PLC0415 - seconds, and not everything here needs it

    dtype = getattr(torch, _TYPES[precision])
    with torch.inference_mode():
        head = _head(shape, dtype)
        layer = _layer(shape, dtype)
        return [Cost(precision, prompt, *_times(layer, prompt), head, shape.layers) for prompt in prompts]


def _layer(shape: Shape, dtype: Any) -> Any:
    from transformers import Qwen2Config, Qwen2Model  # noqa: PLC0415

    config = Qwen2Config(
        vocab_size=8,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=1,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        rms_norm_eps=1e-6,
        max_position_embeddings=32_768,
    )
    return Qwen2Model(config).to(dtype).eval()


def _times(layer: Any, prompt: int) -> tuple[float, float]:
    """Return seconds for a prompt, and for one more token behind it."""
    import torch  # noqa: PLC0415

    tokens = torch.ones((1, prompt), dtype=torch.long)
    layer(input_ids=tokens[:, :16])  # the first call of all sets up its threads
    begun = time.perf_counter()
    past = layer(input_ids=tokens, use_cache=True).past_key_values
    first = time.perf_counter() - begun
    again = [] if first > ENOUGH_S else [_seconds(lambda: layer(input_ids=tokens)) for _ in range(ROUNDS)]

    def generate() -> None:
        for _ in range(STEPS):
            layer(input_ids=tokens[:, :1], past_key_values=past, use_cache=True)

    generate()
    return median(again or [first]), median([_seconds(generate) for _ in range(ROUNDS)]) / STEPS


def _head(shape: Shape, dtype: Any) -> float:
    import torch  # noqa: PLC0415

    weights = torch.full((shape.vocabulary, shape.hidden), 0.01, dtype=dtype)
    state = torch.ones((1, shape.hidden), dtype=dtype)
    torch.nn.functional.linear(state, weights)
    return median([_seconds(lambda: torch.nn.functional.linear(state, weights)) for _ in range(ROUNDS)])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
