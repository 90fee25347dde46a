"""Open the embedder of a model with what this machine has for it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from coderank.embedding.calibration import Option, recall
from coderank.errors import ConfigurationError, ModelUnavailableError
from coderank.loading.calibration import FILE, current_machine, key_of
from coderank.models.bundled import bundled_weights
from coderank.models.catalogue import get
from coderank.models.exported import Export, find
from coderank.models.safetensors import map_tensors

if TYPE_CHECKING:
    from coderank.embedding.contract import Embedder
    from coderank.embedding.torch import TorchPrecision
    from coderank.models.catalogue import Model

ChosenBackend: TypeAlias = Literal["auto", "onnx", "torch"]
ChosenPrecision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16", "int8"]

PREFERRED = ("int8", "fp32", "bf16")
"""Precisions of an export in the order they are taken where nothing was measured: 8 bits are fastest on CPUs of the
last years and need a quarter of the memory."""

STATIC_FILE = "static.safetensors"
"""In the folder of a static model: ``table``, int8 (30522, dimension), and ``scales``, float16 or float32 (30522,)."""
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How embedders are opened; every field has a value that works."""

    exports: Path
    """Where exported files are."""
    cache: Path
    """Where calibrations are remembered."""
    backend: ChosenBackend = "auto"
    precision: ChosenPrecision = "auto"
    device: str = "auto"
    """Of torch: ``auto`` for every GPU there is and else the CPU, or a comma-separated list as ``cuda:0,cuda:1``."""
    threads: int = 0
    """0 for the calibrated number, or all cores."""
    max_tokens: int = 0
    """Tokens of a text that are read; 0 for the model's default."""
    folder: Path | None = None
    """Weights to use instead of the hub's, in the hub's layout."""
    download: bool = True
    """Whether the hub may be asked."""


def open_embedder(model: Model, loading: Loading) -> Embedder:
    """Describe the embedder of a model; weights are found and checked now, loaded at the first call.

    An exported file is taken before torch, which takes seconds to import, unless there is a GPU to gain by.

    Raises:
        ModelUnavailableError: there are no weights, or nothing installed can run them.
        ConfigurationError: the model has no such back end or precision, or cannot read so many tokens.
    """
    if model.cut_of:
        from coderank.embedding.shortened import Shortened  # noqa: PLC0415 - numpy: 0.1 s

        whole = replace(get(model.cut_of), max_tokens=model.max_tokens, setting=model.setting)
        return Shortened(model.name, open_embedder(whole, loading), model.dimension)
    model = with_max_tokens(model, loading.max_tokens)
    if model.is_static:  # there is nothing to choose between
        return _open_static(model)
    _check_choice(model, loading)
    if model.weights == "bundled":
        from coderank.embedding.onnx import OnnxEmbedder  # noqa: PLC0415 - numpy and the runtime: 0.2 s

        return OnnxEmbedder(model, bundled_weights(model), loading.threads, ready=True, device=loading.device)
    exports = _fitting_exports(model, loading)
    if exports and (loading.backend == "onnx" or not _has_gpu(loading)):
        return _open_export(model, exports, loading)
    if loading.backend == "onnx" or loading.precision == "int8":
        wanted = "ONNX file" if loading.precision == "auto" else f"{loading.precision} ONNX file"
        raise ModelUnavailableError(
            f"no {wanted} of {model.name} was exported",
            f"Run: coderank models export {model.name}{_flag(loading.precision)}, or search without it: --model "
            "all-minilm-l6-v2",
        )
    return open_torch(model, loading)


def precision_here(model: Model, loading: Loading) -> str:
    """Tell in which numbers `open_embedder` would have a model compute; empty where torch decides by the GPU."""
    if model.weights == "bundled" or model.is_static:
        return "int8"
    exports = _fitting_exports(model, loading)
    if exports and (loading.backend == "onnx" or not _has_gpu(loading)):
        return _chosen(model, exports, loading)[0].record.precision
    return loading.precision if loading.precision != "auto" else "" if _has_gpu(loading) else "fp32"


def open_torch(model: Model, loading: Loading) -> Embedder:
    """Describe the embedder over torch: one process for each of several devices, none for a single one.

    Raises:
        ModelUnavailableError: there are no weights, or torch is not installed.
    """
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None:
        lacks = "has no exported ONNX file here, and torch" if "onnx" in model.backends else "runs on torch, which"
        raise ModelUnavailableError(
            f"{model.name} {lacks} is not installed",
            "Run: pip install 'coderank[torch]', or search without it: --model all-minilm-l6-v2",
        )
    from coderank.embedding.devices import DevicePool  # noqa: PLC0415
    from coderank.embedding.torch import TorchEmbedder, TorchWeights, cuda_devices  # noqa: PLC0415
    from coderank.models.folder import locate  # noqa: PLC0415

    layout = locate(model, folder=loading.folder, download=loading.download)
    precision: TorchPrecision = "auto" if loading.precision == "int8" else loading.precision
    build = partial(
        TorchEmbedder, model, TorchWeights(layout.folder, layout.config), precision=precision, threads=loading.threads
    )
    devices = cuda_devices() if loading.device == "auto" else loading.device.split(",")
    return DevicePool(model, build, devices) if len(devices) > 1 else build(device=devices[0] if devices else "cpu")


def with_max_tokens(model: Model, max_tokens: int) -> Model:
    """Give the model that reads so many tokens; 0 leaves it as it is.

    Raises:
        ConfigurationError: the architecture does not admit so many.
    """
    if not 0 <= max_tokens <= model.max_tokens_limit:
        raise ConfigurationError(
            f"{model.name} cannot read {max_tokens} tokens", f"Choose from 1 to {model.max_tokens_limit}"
        )
    if max_tokens in {0, model.max_tokens}:
        return model
    return replace(model, max_tokens=max_tokens, setting=f"{max_tokens}t")


def _open_static(model: Model) -> Embedder:
    path = bundled_weights(model) if model.weights == "bundled" else Path(model.folder).expanduser() / STATIC_FILE
    if not path.is_file():
        raise ModelUnavailableError(f"there is no table of {model.name} at {path}", "Put it there, or name the folder")
    from coderank.embedding.static import StaticEmbedder, StaticTable  # noqa: PLC0415 - numpy: 0.1 s

    def load() -> StaticTable:
        vectors, scales = map_tensors(path, ("table", "scales"))
        return StaticTable(vectors, scales.astype("float32"))

    return StaticEmbedder(model.name, model.dimension, model.max_tokens, load)


def _check_choice(model: Model, loading: Loading) -> None:
    if loading.backend != "auto" and loading.backend not in model.backends:
        raise ConfigurationError(
            f"{model.name} does not run on {loading.backend}", f"Choose from: {', '.join(model.backends)}"
        )
    if (loading.backend, loading.precision) in {("onnx", "fp16"), ("torch", "int8")}:
        raise ConfigurationError(f"{loading.backend} does not compute in {loading.precision}", "Leave it at auto")


def _flag(precision: ChosenPrecision) -> str:
    return "" if precision == "auto" else f" --precision {precision}"


def _fitting_exports(model: Model, loading: Loading) -> list[Export]:
    if loading.backend == "torch" or loading.folder is not None or "onnx" not in model.backends:
        return []
    exports = [one for one in find(loading.exports, model) if loading.precision in {"auto", one.record.precision}]
    return sorted(exports, key=lambda export: PREFERRED.index(export.record.precision))


def _open_export(model: Model, exports: list[Export], loading: Loading) -> Embedder:
    from coderank.embedding.onnx import OnnxEmbedder  # noqa: PLC0415

    export, threads = _chosen(model, exports, loading)
    return OnnxEmbedder(model, export.path, threads, export.tokenizer, ready=True, device=loading.device)


def _chosen(model: Model, exports: list[Export], loading: Loading) -> tuple[Export, int]:
    """Choose an export and a number of threads: what was measured, else the first."""
    measured = recall(loading.cache / FILE, key_of(model, exports), current_machine())
    chosen = measured.best if measured else Option(exports[0].record.precision, 0)
    export = next((one for one in exports if one.record.precision == chosen.precision), exports[0])
    return export, loading.threads or chosen.threads


def _has_gpu(loading: Loading) -> bool:
    """Whether torch is to be preferred, found out without importing it where there is no NVIDIA driver."""
    if loading.device != "auto":
        return not loading.device.startswith("cpu")
    if not NVIDIA_DRIVER.exists() or importlib.util.find_spec("torch") is None:
        return False
    from coderank.embedding.torch import cuda_devices  # noqa: PLC0415

    return bool(cuda_devices())
