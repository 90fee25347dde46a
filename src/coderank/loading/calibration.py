"""Calibrate the exported files of a model on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.embedding.calibration import Calibration, Measurement, Option, calibrate, machine, recall, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.models.catalogue import Model
    from coderank.models.exported import Export

FILE = "calibration.json"


def current_machine() -> str:
    """Name this machine and its ONNX Runtime."""
    from importlib.metadata import version  # noqa: PLC0415 - 15 ms, and models without an export have no calibration

    from coderank.embedding.onnx import available_cores  # noqa: PLC0415

    return machine(f"onnxruntime {version('onnxruntime')}", available_cores())


def key_of(model: Model, exports: Sequence[Export]) -> str:
    """Name what was measured: the model and the content of its files."""
    return " ".join([model.name, *sorted(export.record.sha256[:12] for export in exports)])


def calibrate_exports(
    model: Model,
    exports: Sequence[Export],
    cache: Path,
    on_measured: Callable[[Measurement], None] = lambda _: None,
) -> Calibration:
    """Time every precision with all cores and with half of them, keep the result in the cache folder, and give it."""
    from coderank.embedding.onnx import OnnxEmbedder, available_cores  # noqa: PLC0415

    files = {export.record.precision: export for export in exports}
    cores = available_cores()
    # Half: where each core counts as two, the second one only gets in the way of dense arithmetic.
    threads = sorted({cores, max(1, cores // 2)})

    def open_embedder(option: Option) -> Embedder:
        export = next(export for precision, export in files.items() if precision == option.precision)
        return OnnxEmbedder(model, export.path, option.threads, export.tokenizer, ready=True)

    options = [Option(precision, count) for precision in sorted(files) for count in threads]
    calibration = calibrate(options, open_embedder, current_machine(), on_measured)
    remember(cache / FILE, key_of(model, exports), calibration)
    return calibration


def known_calibration(model: Model, exports: Sequence[Export], cache: Path) -> Calibration | None:
    """Give what was measured before for these files on this machine; None if nothing was."""
    return recall(cache / FILE, key_of(model, exports), current_machine())
