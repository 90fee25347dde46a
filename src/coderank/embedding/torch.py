"""Embedding through torch and transformers: the official weights, on a GPU or on CPU.

Only architectures that transformers has itself are loaded, from safetensors alone: no code of a repository runs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from coderank.embedding.batching import plan
from coderank.embedding.pooling import normalise
from coderank.embedding.tokenizer import encode, load_tokenizer_file
from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch
    from tokenizers import Tokenizer

    from coderank.embedding.onnx import TextModel
    from coderank.types import Matrix, Vector

TorchPrecision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16"]

CPU_BATCH_TOKENS = 2048
"""Padded tokens in one batch on CPU, where larger activations leave the cache."""
GPU_BATCH_TOKENS = 65_536
"""Padded tokens in one batch on a GPU: enough to keep one busy; what does not fit its memory is halved."""
BF16_CAPABILITY = (8, 0)
"""The first CUDA generation with bf16 units; those before it, as the T4, compute in fp16."""
INSTALL = "Run: pip install 'coderank[torch]'"


@dataclass(frozen=True, slots=True)
class TorchWeights:
    """Weights in a folder, with the configuration that says what they are."""

    folder: Path
    config: Mapping[str, object]
    """In the names of transformers, ``model_type`` included."""


class TorchEmbedder:
    """An embedder over safetensors weights on one device. Loads on first use; safe to call from several threads.

    Calls raise ModelUnavailableError where torch or the weights cannot be loaded, and ModelError where the model
    computes no direction or a single text does not fit the device's memory.
    """

    def __init__(
        self,
        model: TextModel,
        weights: TorchWeights,
        *,
        device: str = "auto",
        precision: TorchPrecision = "auto",
        threads: int = 0,
    ) -> None:
        """Describe the embedder.

        ``device`` is torch's name of it, or ``auto`` for the first GPU and else the CPU; ``precision`` is ``auto`` for
        bf16 or fp16 on a GPU and fp32 on CPU; ``threads`` sets torch's number for the whole process, 0 leaves it.
        """
        self._model = model
        self._weights = weights
        self._device = device
        self._precision = precision
        self._threads = threads
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """The model's catalogue name."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._model.dimension

    @property
    def module(self) -> torch.nn.Module:
        """The loaded model, in evaluation mode."""
        return self._encoder.module

    def embed_query(self, text: str) -> Vector:
        """Embed a natural-language query with the model's prefix. Shape (dimension,)."""
        vector: Vector = self._embed([self._model.query_prefix + text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed documents without a prefix. Shape (n, dimension), in input order."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        with self._lock:
            encoder, tokenizer = self._encoder, self._tokenizer
        rows = encode(tokenizer, texts, self._model.max_tokens)
        vectors = np.empty((len(rows), self.dimension), dtype=np.float32)
        batches = plan([len(row) for row in rows], encoder.batch_tokens)
        for batch in batches:
            vectors[batch] = encoder.vectors([rows[index] for index in batch])
        return normalise(vectors, self.name)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer_file(self._weights.folder / "tokenizer.json", self._model.max_tokens)

    @cached_property
    def _encoder(self) -> _Encoder:
        torch = _torch()
        if self._threads:
            torch.set_num_threads(self._threads)
        device = self._device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        module = load_module(self._weights, device, _dtype(self._precision, device))
        return _Encoder(module, self._model)


def load_module(weights: TorchWeights, device: str, dtype: torch.dtype) -> torch.nn.Module:
    """Load weights into the architecture their configuration names.

    Raises:
        ModelUnavailableError: no transformers, an unknown architecture, weights missing or left over, no such device.
    """
    _torch()
    try:
        from transformers import AutoConfig, AutoModel  # noqa: PLC0415 - several seconds
        from transformers.utils import logging  # noqa: PLC0415
    except ImportError as error:
        raise ModelUnavailableError("transformers is not installed", INSTALL) from error
    logging.disable_progress_bar()
    options = dict(weights.config)
    try:
        config = AutoConfig.for_model(str(options.pop("model_type")), **options)
        module, account = AutoModel.from_pretrained(
            weights.folder,
            config=config,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        _check_account(weights, account)
        placed: torch.nn.Module = module.to(device).eval()
    except (OSError, ValueError, RuntimeError, KeyError, AssertionError) as error:
        raise ModelUnavailableError(f"cannot load the weights in {weights.folder}: {error}", INSTALL) from error
    return placed


def cuda_devices() -> list[str]:
    """Name the GPUs torch sees; none without torch."""
    try:
        torch = _torch()
    except ModelUnavailableError:
        return []
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]


class _Encoder:
    """A loaded model with its pooling."""

    def __init__(self, module: torch.nn.Module, model: TextModel) -> None:
        self.module = module
        self._model = model
        self._device = next(module.parameters()).device
        self.batch_tokens = CPU_BATCH_TOKENS if self._device.type == "cpu" else GPU_BATCH_TOKENS

    def vectors(self, rows: Sequence[list[int]]) -> Matrix:
        """Pool the hidden states of token ids, shape (n, dimension), not yet of length one."""
        torch = _torch()
        try:
            return self._forward(rows)
        except torch.OutOfMemoryError as error:
            if len(rows) == 1:
                raise ModelError(
                    f"a text of {len(rows[0])} tokens does not fit the memory of {self._device}",
                    "Lower the model's max_tokens, or use another device",
                ) from error
        # Outside of the handler, whose traceback would keep the tensors of the failed try alive.
        middle = len(rows) // 2
        # What is planned from now on is as small as the half, rather than tried in full and halved each time.
        self.batch_tokens = min(self.batch_tokens, middle * max(map(len, rows)))
        return np.concatenate([self.vectors(rows[:middle]), self.vectors(rows[middle:])])

    def _forward(self, rows: Sequence[list[int]]) -> Matrix:
        torch = _torch()
        longest = max(map(len, rows))
        # Padding stands on the right, also for the last token: it is found by its place, and no position shifts.
        tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=self._device)
        lengths = torch.tensor([len(row) for row in rows], device=self._device)
        mask = (torch.arange(longest, device=self._device) < lengths[:, None]).long()
        with torch.inference_mode():
            hidden = self.module(input_ids=tokens, attention_mask=mask).last_hidden_state
            pooled: Matrix = self._pool(hidden, mask, lengths).float().cpu().numpy()
        if pooled.shape[1] != self._model.dimension:
            raise ModelError(
                f"the weights of {self._model.name} give vectors of {pooled.shape[1]} numbers "
                f"instead of {self._model.dimension}"
            )
        return pooled

    def _pool(self, hidden: torch.Tensor, mask: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        if self._model.pooling == "cls":
            return hidden[:, 0]
        if self._model.pooling == "last":
            return hidden[_torch().arange(len(hidden), device=hidden.device), lengths - 1]
        return (hidden.float() * mask[:, :, None]).sum(dim=1) / lengths[:, None]


def _check_account(weights: TorchWeights, account: Mapping[str, Any]) -> None:
    missing = sorted(map(str, account["missing_keys"]))
    # A pooler or a head that was trained along is not part of an embedding; a layer left over would be.
    extra = sorted(str(key) for key in account["unexpected_keys"] if "layer" in str(key) or "embed" in str(key))
    wrong = sorted(map(str, account["mismatched_keys"]))
    for what, keys in (("missing", missing), ("unknown", extra), ("of another shape", wrong)):
        if keys:
            raise ModelUnavailableError(
                f"the weights in {weights.folder} are not those of their config.json: {len(keys)} {what}, as {keys[0]}"
            )


def _dtype(precision: TorchPrecision, device: str) -> torch.dtype:
    runtime = _torch()
    if precision == "auto" and device.startswith("cuda"):
        precision = "bf16" if runtime.cuda.get_device_capability(device) >= BF16_CAPABILITY else "fp16"
    chosen: torch.dtype = {"bf16": runtime.bfloat16, "fp16": runtime.float16}.get(precision, runtime.float32)
    return chosen


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415 - seconds, and only those who chose this back end pay
    except ImportError as error:
        raise ModelUnavailableError("torch is not installed", INSTALL) from error
    return torch
