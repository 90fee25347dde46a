"""Export a model to ONNX, measure how near it stays to torch, and refuse what drifts."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, TypeAlias

from coderank.embedding.onnx import OnnxEmbedder
from coderank.embedding.probes import ProbeVectors, embed_probes, min_cosine
from coderank.embedding.torch import TorchEmbedder, TorchWeights
from coderank.errors import ConfigurationError, ModelError
from coderank.loading.calibration import calibrate_exports
from coderank.models.export import optimise, quantise, require_bf16, require_packages, write_onnx
from coderank.models.exported import (
    TOKENIZER,
    Export,
    Precision,
    Record,
    can_be_exported,
    digest,
    enforce,
    find,
    folder_of,
    install,
    remove,
)
from coderank.models.folder import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coderank.models.catalogue import Model

ExportPrecision: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]

PROBE_TOKENS = 1024
"""Tokens read of a probe, whatever the model's default: a graph that stops at 512 has to be noticed."""
TRIED: tuple[Precision, ...] = ("fp32", "int8")
"""What ``auto`` chooses from: ONNX Runtime has few bf16 kernels for CPUs."""
WORKPLACE = ".export-"
"""How the names of folders begin in which files are made."""
ABANDONED_S = 86_400
"""Age of such a folder from which on nobody can be at work in it."""
RECORDED = ("coderank", "onnx", "onnxruntime", "torch", "transformers")


class Exporter:
    """Exports one model: loads the torch weights once, however many files are written."""

    def __init__(self, model: Model, root: Path, *, folder: Path | None = None, download: bool = True) -> None:
        """Find and check the torch weights; ``root`` is where exports of all models are.

        Raises:
            ModelUnavailableError: there are no weights, or a package is missing, which is found out first.
            ConfigurationError: the model does not run on ONNX.
        """
        if not can_be_exported(model):
            raise ConfigurationError(
                f"{model.name} cannot be exported",
                "Choose an embedder whose weights are not bundled and that runs on onnx: coderank-embed",
            )
        require_packages()
        self._model = replace(model, max_tokens=min(PROBE_TOKENS, model.max_tokens_limit))
        self._layout = locate(model, folder=folder, download=download)
        self._target = folder_of(root, model)
        self._torch = TorchEmbedder(
            self._model, TorchWeights(self._layout.folder, self._layout.config), device="cpu", precision="fp32"
        )
        self._reference: ProbeVectors | None = None

    def export(self, precision: Precision) -> Export:
        """Write one file with its record, and give both. What was there before stays until the new file is accepted.

        Raises:
            ModelError: the vectors drift from torch; nothing is left behind.
            ModelUnavailableError: the runtime cannot run this precision on this CPU.
        """
        with self._workplace() as work:
            staged = work / f"{precision}.onnx"
            if precision != "int8":
                write_onnx(self._torch.module, staged, bf16=precision == "bf16")
                return self._accept(staged, precision, "export")
            source = work / "source.onnx"
            write_onnx(self._torch.module, source)
            return self._quantise(source, staged)

    def adopt(self, file: Path, precision: Precision) -> Export:
        """Take a file that somebody else exported, if it passes the same check of pooling, length and drift.

        Raises:
            ModelError: its vectors drift from torch, or it gives none for each token.
            ModelUnavailableError: it is missing, damaged, or no encoder.
        """
        if not file.is_file():
            raise ConfigurationError(f"there is no file {file}", "Name the ONNX file to adopt")
        with self._workplace() as work:
            staged = work / f"{precision}.onnx"
            shutil.copyfile(file, staged)
            return self._accept(staged, precision, file.name)

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        """Give a folder beside the exports in which a file is made and checked, and from which it is moved."""
        if self._reference is None:
            self._reference = embed_probes(self._torch)
        self._target.mkdir(parents=True, exist_ok=True)
        _sweep(self._target)
        with TemporaryDirectory(prefix=WORKPLACE, dir=self._target) as folder:
            shutil.copyfile(self._layout.folder / TOKENIZER, Path(folder, TOKENIZER))
            yield Path(folder)

    def _quantise(self, source: Path, staged: Path) -> Export:
        quantise(source, staged)
        try:
            return self._accept(staged, "int8", "export")
        except ModelError:
            # On CPUs without 8-bit dot products the full range overflows.
            quantise(source, staged, reduced_range=True)
            return self._accept(staged, "int8", "export")

    def _accept(self, staged: Path, precision: Precision, origin: str) -> Export:
        assert self._reference is not None
        optimise(staged)
        vectors = embed_probes(
            OnnxEmbedder(self._model, staged, tokenizer=staged.with_name(TOKENIZER), ready=True, device="cpu")
        )
        cosine = min_cosine(vectors, self._reference)
        enforce(precision, cosine, self._model.name)
        record = Record(
            model=self._model.name,
            revision=self._model.revision,
            precision=precision,
            min_cosine=round(cosine, 6),
            probes=len(vectors),
            file=staged.name,
            bytes=staged.stat().st_size,
            sha256=digest(staged),
            origin=origin,
            versions=_versions(),
        )
        return install(staged.parent, self._target, record)


def _sweep(folder: Path) -> None:
    """Delete what exports that were killed have left: a gigabyte each."""
    for place in folder.glob(f"{WORKPLACE}*"):
        if time.time() - place.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(place, ignore_errors=True)


def export_model(
    model: Model,
    root: Path,
    cache: Path,
    *,
    precision: ExportPrecision = "auto",
    folder: Path | None = None,
    download: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> Export:
    """Export in one precision, or with ``auto`` in the one that is fastest on this machine, and give the file kept.

    ``on_step`` is told what is done next, a minute's work at most.

    Raises:
        ModelError: the vectors drift from torch.
        ModelUnavailableError: there are no weights, or a package or the CPU's support for the precision is missing.
    """
    if precision == "bf16":
        require_packages()
        require_bf16()
    on_step("loading the weights")
    exporter = Exporter(model, root, folder=folder, download=download)
    precisions: tuple[Precision, ...] = TRIED if precision == "auto" else (precision,)
    exports = []
    for each in precisions:
        on_step(f"exporting in {each}")
        exports.append(exporter.export(each))
    if precision != "auto":
        return exports[0]
    on_step("measuring which is faster here")
    best = calibrate_exports(model, exports, cache).best
    kept = [export for export in exports if export.record.precision == best.precision]
    for export in find(root, model):
        if export.record.precision != best.precision:
            remove(export)
    calibrate_exports(model, kept, cache)
    return kept[0]


def _versions() -> dict[str, str]:
    found = {}
    for package in RECORDED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
