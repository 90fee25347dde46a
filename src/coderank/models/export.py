"""From torch weights to an ONNX file that runs without torch."""

from __future__ import annotations

import copy
import logging
import os
import tempfile
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderank.errors import ModelError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

PACKAGES = ("torch", "transformers", "onnx", "onnxscript")
OPSET = 23
"""The operators that are written: the first ones with attention and rotary embedding as a whole, read by ONNX Runtime
1.23. A layer of CodeRankEmbed in int8 over 400 tokens takes 27 ms with them, and 34 ms as their parts with opset 18."""
IR_VERSION = 10
"""Of the file format, which ONNX Runtime 1.23 reads."""
SLOW_FUSIONS = ["SkipLayerNormFusion"]
"""What ONNX Runtime is kept from: its kernel for a sum and its normalisation in one takes 1.9 ms for 400 rows of 768,
the two by themselves 0.3 ms (1.32, AVX-512). It is 20 % of a layer in int8."""
INSTALL = "Run: pip install 'coderank[torch]'"
QUANTISED = ("MatMul", "Gather")
"""Operators with 8-bit weights. Without Gather, the token embedding, CodeRankEmbed has 209 MB instead of 139, for a
minimum cosine of 0.9953 instead of 0.9951 and the same speed."""


def require_packages() -> None:
    """Check that everything an export needs is installed, without importing it.

    Raises:
        ModelUnavailableError: something is not.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ModelUnavailableError(f"the export needs {', '.join(missing)}, not installed here", INSTALL)


def require_bf16() -> None:
    """Check that ONNX Runtime computes in bf16 on this CPU, before minutes are spent on a file that it cannot run.

    Raises:
        ModelUnavailableError: it does not.
    """
    import onnx  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    kind = onnx.TensorProto.BFLOAT16
    left, right, total = (onnx.helper.make_tensor_value_info(name, kind, [1]) for name in ("left", "right", "total"))
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["left", "right"], ["total"])], "sum", [left, right], [total]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except (raised.Fail, raised.InvalidGraph, raised.NotImplemented) as error:
        raise ModelUnavailableError(
            f"ONNX Runtime {onnxruntime.__version__} does not compute in bf16 on this CPU",
            "Choose --precision auto, or let torch do it: CODERANK_BACKEND=torch CODERANK_PRECISION=bf16",
        ) from error


def write_onnx(module: torch.nn.Module, target: Path, *, bf16: bool = False) -> None:
    """Write an encoder's graph from ``input_ids`` and ``attention_mask`` to its hidden states in fp32, atomically.

    Batch and length stay free; with ``bf16`` the numbers in between are bf16.

    Raises:
        ModelUnavailableError: the packages that export are not installed.
        ModelError: torch cannot export this architecture.
    """
    try:
        import onnxscript  # noqa: F401, PLC0415 - torch names it only in the middle of its work
        import torch  # noqa: PLC0415 - seconds
    except ImportError as error:
        raise ModelUnavailableError(f"the export needs the package {error.name}", INSTALL) from error
    if bf16:
        module = copy.deepcopy(module).to(torch.bfloat16)
    # Two tensors: the exporter tells inputs apart by identity, and swaps the names of one that is given twice.
    sample = (torch.ones((2, 8), dtype=torch.long), torch.ones((2, 8), dtype=torch.long))
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _replaced(target) as staged, _quiet():
        try:
            torch.onnx.export(
                _hidden_states(module),
                sample,
                staged,
                input_names=["input_ids", "attention_mask"],
                output_names=["hidden"],
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes={"input_ids": free, "attention_mask": free},
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ModelError(f"torch cannot export this model: {error}", "Use the torch back end") from error


def quantise(source: Path, target: Path, *, reduced_range: bool = False) -> None:
    """Write a copy with 8-bit weights and activations that are quantised as they come, atomically.

    ``reduced_range`` uses 7 bits of the weights: CPUs without 8-bit dot products saturate on 8.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415
    except ImportError as error:
        raise ModelUnavailableError(f"the export needs the package {error.name}", INSTALL) from error
    with _replaced(target) as staged, _quiet():
        quantize_dynamic(
            source,
            staged,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            reduce_range=reduced_range,
            weight_type=QuantType.QInt8,
        )


def optimise(path: Path) -> None:
    """Rewrite a graph as ONNX Runtime fuses it on this CPU, so that nobody who opens it has to wait for that.

    Raises:
        ModelUnavailableError: the file is damaged, or the runtime has no kernel for what it asks.
    """
    import onnxruntime  # noqa: PLC0415
    from onnxruntime.capi import onnxruntime_pybind11_state as raised  # noqa: PLC0415

    onnxruntime.disable_telemetry_events()  # nothing is sent anywhere
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4
    with _replaced(path) as staged:
        options.optimized_model_filepath = str(staged)
        try:
            onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
            )
        except (raised.Fail, raised.InvalidGraph, raised.InvalidProtobuf, raised.NotImplemented) as error:
            raise ModelUnavailableError(f"cannot load the weights {path}: {error}", "Use another precision") from error


def _hidden_states(module: torch.nn.Module) -> torch.nn.Module:
    import torch  # noqa: PLC0415

    # ONNX's rotary embedding wants the angles of each text, where these models compute them once for all. Others must
    # not be given positions: RoBERTa begins to count at 2.
    rotary = hasattr(module, "rotary_emb")

    # Without torch installed its classes are of no known type.
    class HiddenStates(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        """The encoder with two inputs and one output, as the file will have them."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = module

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
            if rotary:
                inputs["position_ids"] = torch.arange(input_ids.shape[1]).expand(input_ids.shape)
            return self.encoder(**inputs).last_hidden_state.float()

    return HiddenStates().eval()


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    """Give a path beside the target that takes its place at the end, and only if nothing was raised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        staged = Path(folder) / target.name
        yield staged
        os.replace(staged, target)  # noqa: PTH105 - replaces on every system


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' remarks on their own internals from the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "root")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
