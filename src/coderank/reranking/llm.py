"""A language model in this process, through transformers. The only file of reranking that imports torch."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from coderank.errors import ModelUnavailableError
from coderank.reranking.chat import ChatError, Completion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.reranking.chat import Messages

Precision: TypeAlias = Literal["auto", "fp32", "fp16", "bf16"]

CPU_WINDOW_MS_PER_GB = 9_000.0
"""For one window without a GPU, per gigabyte of weights: CodeRankLLM, 15.2 GB in bf16, takes 136 s on 2 cores. Far
enough from any budget that fewer or more cores do not matter."""
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
BATCH = 2
"""Prompts that are read at once: with 10,000 tokens each, their keys and values take 0.6 GB each on 7 B parameters."""
_SAMPLE = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
_TYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Which weights to load, and how."""

    name: str
    source: str
    """A folder in the hub's layout, or a hub id."""
    revision: str | None = None
    """Commit of a hub id; None for a folder."""
    precision: Precision = "auto"
    """``auto``: bf16 where a GPU has it, else fp16 on a GPU, else bf16."""
    context_tokens: int = 32_768
    offline: bool = False
    """Whether to use what is in the hub cache and nothing else."""


class TransformersChat:
    """A chat over weights in this process. Loads on first use; calls from several threads take turns."""

    concurrency = 1

    def __init__(self, model: LocalModel) -> None:
        """Describe the model; nothing is loaded yet."""
        self._described = model
        self._lock = threading.Lock()
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._described.name

    @property
    def context_tokens(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return self._described.context_tokens

    @property
    def assumed_step_ms(self) -> float:
        """Time that a window may take before one was measured, told by the size of the weights; 0 with a GPU."""
        if NVIDIA_DRIVER.exists():
            return 0.0
        size = sum(path.stat().st_size for path in Path(self._described.source).glob("*.safetensors"))
        return CPU_WINDOW_MS_PER_GB * size / 1e9

    def unavailable(self) -> str:
        """Say that torch or transformers is missing; empty when both are there."""
        missing = [package for package in ("torch", "transformers") if find_spec(package) is None]
        return f"{' and '.join(missing)} not installed: pip install 'coderank[torch]'" if missing else ""

    def load(self) -> None:
        """Load the weights, once.

        Raises:
            ModelUnavailableError: torch or the weights are missing, damaged, or not in safetensors.
        """
        if self.unavailable():
            raise ModelUnavailableError(self.unavailable())
        with self._lock:
            if self._model is None:
                self._load()

    def complete(
        self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None = None
    ) -> list[Completion | ChatError]:
        """Answer each conversation with the likeliest token at each place. ``timeout_s`` ends an answer early."""
        from jinja2 import TemplateError  # noqa: PLC0415 - torch brings it

        self.load()
        end = None if timeout_s is None else time.monotonic() + timeout_s
        answers: list[Completion | ChatError] = []
        with self._lock:
            for start in range(0, len(batch), BATCH):
                part = batch[start : start + BATCH]
                left = None if end is None else max(0.0, end - time.monotonic())
                try:
                    answers += self._generated(part, max_tokens, left)
                except (RuntimeError, ValueError, TemplateError) as error:
                    # Memory ran out, a kernel failed, or a template refused: there is no narrower base for them.
                    answers += [ChatError(f"{self.name} failed: {error}", "Rerank fewer candidates")] * len(part)
        return answers

    def _load(self) -> None:
        import torch  # noqa: PLC0415 - 5 s, and only for users of this back end
        import transformers  # noqa: PLC0415
        from jinja2 import TemplateError  # noqa: PLC0415
        from safetensors import SafetensorError  # noqa: PLC0415

        transformers.utils.logging.disable_progress_bar()
        wanted = self._described
        where = {"revision": wanted.revision, "local_files_only": wanted.offline, "trust_remote_code": False}
        try:
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(wanted.source, padding_side="left", **where)
            # Raises where there is no chat template, and a template may come without a token to pad with.
            tokenizer.apply_chat_template(_SAMPLE, tokenize=False, add_generation_prompt=True)
            tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                wanted.source,
                dtype=getattr(torch, _TYPES[_precision(wanted.precision, torch)]),
                use_safetensors=True,
                **_placement(torch),
                **where,
            )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, TemplateError) as error:
            raise ModelUnavailableError(
                f"cannot load {wanted.name} from {wanted.source}: {error}",
                "Name a folder in the hub's layout, or fetch one first: coderank models pull coderank-llm",
            ) from error
        self._tokenizer = tokenizer
        on_cpu = torch.cuda.is_available() and model.device.type == "cpu"
        self._model = (model.to("cuda") if on_cpu else model).eval()

    def _generated(self, batch: Sequence[Messages], max_tokens: int, timeout_s: float | None) -> list[Completion]:
        import torch  # noqa: PLC0415

        texts = [
            self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            for messages in batch
        ]
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        inputs = inputs.to(self._model.device)
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                max_time=timeout_s,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                use_cache=True,
                pad_token_id=self._tokenizer.pad_token_id,
            )
        answered = tokens[:, inputs["input_ids"].shape[1] :]
        read = [int(count) for count in inputs["attention_mask"].sum(dim=1)]
        return [
            Completion(self._tokenizer.decode(row, skip_special_tokens=True), count, int(row.numel()))
            for row, count in zip(answered, read, strict=True)
        ]


def _precision(wanted: Precision, torch: Any) -> str:
    if wanted != "auto":
        return wanted
    return "fp16" if torch.cuda.is_available() and not torch.cuda.is_bf16_supported() else "bf16"


def _placement(torch: Any) -> dict[str, str]:
    """Spread over the GPUs where accelerate is there to do it."""
    if not torch.cuda.is_available() or find_spec("accelerate") is None:
        return {}
    return {"device_map": "auto"}
