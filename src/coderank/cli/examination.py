"""The checks behind ``coderank doctor``, each on the real thing."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from coderank import __version__
from coderank.errors import CoderankError, ModelError
from coderank.reranking.contract import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.collections.config import Collection
    from coderank.models.catalogue import Model
    from coderank.reranking.contract import Ranking
    from coderank.settings import Settings

_OLDEST_PYTHON = (3, 11)
_ENGINE_PARTS = ("qdrant-edge-py", "onnxruntime", "tokenizers", "tree-sitter", "semble-grammars", "numpy")
_SELF_TEST = {
    "ring.py": "def push(ring, item):\n    '''Add to the ring buffer; drop the oldest.'''\n    ring.append(item)\n",
    "greet.py": "def greet(name):\n    '''Say hello to a person.'''\n    return f'Hello, {name}'\n",
}
_REINSTALL = "Install again: `pip install --force-reinstall coderank`"
_SELF_TEST_QUERY = "overwrite the oldest element of a circular queue"
"""Shares only ``oldest`` with its answer, so that a hit in first place means that vectors work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    name: str
    status: str
    """``ok``, ``warn`` or ``fail``."""
    detail: str
    remedy: str = ""


def examine(settings: Settings, model: str) -> Iterator[Finding]:
    """Yield the outcome of each check as it is known."""
    yield Finding("coderank", "ok", __version__)
    yield _python()
    yield _machine(settings)
    yield from (_part(name) for name in _ENGINE_PARTS)
    yield _folder("data", settings.data_dir, "CODERANK_DATA_DIR")
    yield _folder("cache", settings.cache_dir, "CODERANK_CACHE_DIR")
    yield _shipped()
    yield _model(settings, model)
    yield _rerankers(settings)
    yield from _servers(settings)
    yield _self_test(settings, model)


def _python() -> Finding:
    detail = f"{platform.python_version()} ({platform.python_implementation()}, {sys.executable})"
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("python", "fail", detail, "Install Python 3.11 or newer")
    return Finding("python", "ok", detail)


def _machine(settings: Settings) -> Finding:
    threads = str(settings.threads) if settings.threads else "by the machine"
    return Finding(
        "machine", "ok", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, threads {threads}"
    )


def _part(name: str) -> Finding:
    try:
        return Finding(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "fail", "not installed", _REINSTALL)


def _folder(name: str, folder: Path, variable: str) -> Finding:
    """Whether files can be made in a folder, tried by making one; a folder made for it is left in place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"coderank")
    except OSError as error:
        return Finding(name, "fail", f"{folder}: {error.strerror}", f"Set {variable} to a folder you can write to")
    return Finding(name, "ok", str(folder))


def _shipped() -> Finding:
    """Whether the weights that come with coderank are whole, and which models have none in this installation."""
    from coderank.models.bundled import bundled_weights, holds  # noqa: PLC0415
    from coderank.models.catalogue import MODELS  # noqa: PLC0415

    bundled = [model for model in MODELS if model.weights == "bundled" and not model.cut_of]
    try:
        listed = [model for model in bundled if holds(model)]
        for model in listed:
            bundled_weights(model)
    except ModelError as error:
        return Finding("weights", "warn", error.message, error.remedy)
    absent = [model.name for model in bundled if model not in listed]
    without = f"; not in this installation: {', '.join(absent)}" if absent else ""
    return Finding("weights", "ok", f"{', '.join(model.name for model in listed)}, whole{without}")


def _model(settings: Settings, name: str) -> Finding:
    """Which model new indexes get, and in which precision and with how many threads it was measured to be fastest."""
    from coderank.loading.calibration import known_calibration  # noqa: PLC0415
    from coderank.loading.choice import embedder  # noqa: PLC0415
    from coderank.loading.opened import EXPORTS  # noqa: PLC0415
    from coderank.models.exported import find  # noqa: PLC0415

    try:
        model = embedder(name, settings)
    except CoderankError as error:
        return Finding("model", "fail", error.message, error.remedy)
    exports = find(settings.data_dir / EXPORTS, model)
    if not exports:
        return _weights(model)
    listed = ", ".join(f"{export.record.precision} (cosine {export.record.min_cosine:.4f})" for export in exports)
    detail = f"{model.name}, {model.dimension} dimensions, exported {listed}"
    calibration = known_calibration(model, exports, settings.cache_dir)
    if calibration is None:
        export = f"coderank models export {model.name}"
        return Finding("model", "warn", f"{detail}, not calibrated on this machine", f"Run: {export}")
    fastest = calibration.measurements[0]
    measured = f"query {fastest.query_ms:.0f} ms, document {fastest.document_ms:.0f} ms"
    return Finding(
        "model", "ok", f"{detail}; fastest {fastest.option.precision} on {fastest.option.threads} threads: {measured}"
    )


def _weights(model: Model) -> Finding:
    """Whether the weights of a model without an export are here, and what is unusual about them."""
    from coderank.models.folder import locate  # noqa: PLC0415

    detail = f"{model.name}, {model.dimension} dimensions, weights {model.weights}"
    if model.weights == "bundled":
        return Finding("model", "ok", detail)
    try:
        notes = locate(model, download=False).notes
    except ModelError as error:
        return Finding("model", "warn", error.message, error.remedy)
    return Finding("model", "warn" if notes else "ok", "; ".join((detail, *notes)))


def _rerankers(settings: Settings) -> Finding:
    """What `--rerank` would use, and whether each answers; having none is no fault."""
    from coderank.loading.rerankers import opened_cascade  # noqa: PLC0415

    try:
        cascade = opened_cascade(settings)
    except CoderankError as error:
        return Finding("rerankers", "ok", f"none: {error.message[0].lower()}{error.message[1:]}")
    trials, troubles = cascade.trials(), cascade.unavailable()
    answered = [name for name, ranking in trials.items() if ranking.status is not Status.FAILED]
    said = [_answer_of(name, trials.get(name), troubles.get(name, "")) for name in cascade.names]
    status = "ok" if len(answered) == len(cascade.names) else "warn"
    return Finding("rerankers", status, f"within {settings.rerank_budget_ms} ms: {'; '.join(said)}")


def _answer_of(name: str, trial: Ranking | None, trouble: str) -> str:
    if trial is None:
        return f"{name}: {trouble or 'too slow on this machine to be tried'}"
    if trial.status is Status.FAILED:
        return f"{name} failed: {trial.why}"
    return f"{name} answers, {trial.usage.ms:.0f} ms for two passages"


def _servers(settings: Settings) -> Iterator[Finding]:
    """Whether each Qdrant server answers that the file of collections names, in which version and by what."""
    from coderank.collections.config import load  # noqa: PLC0415

    file = settings.collections_place()
    if not file.is_file():
        return
    try:
        known = load(file).values()
    except CoderankError as error:
        yield Finding("collections", "fail", error.message, error.remedy)
        return
    asked = set()
    for one in known:
        if one.store is None:
            continue
        way = (one.store.url or settings.qdrant_url, one.store.prefer_grpc, one.store.grpc_port, one.store.api_key_env)
        if way not in asked:
            asked.add(way)
            yield _server(one, settings)


def _server(described: Collection, settings: Settings) -> Finding:
    from coderank.loading.servers import answering  # noqa: PLC0415

    try:
        found = answering(described, settings)
    except CoderankError as error:
        return Finding("server", "fail", f"{described.name}: {error.message}", error.remedy)
    detail = f"{found.url} is Qdrant {found.version}, answers by {found.transport} in {found.ms:.0f} ms"
    if found.wanted_grpc and found.transport != "gRPC":
        remedy = f"Open its port, name it as store.grpc_port of {described.name}, or leave prefer_grpc out"
        return Finding("server", "warn", f"{detail}; not by gRPC, as prefer_grpc wants it", remedy)
    return Finding("server", "ok", detail)


def _self_test(settings: Settings, model: str) -> Finding:
    """Index two files and ask for one of them by meaning, apart from the user's own indexes."""
    with tempfile.TemporaryDirectory(prefix="coderank-doctor-") as folder:
        started = time.perf_counter()
        try:
            found, used = _ask_of_two_files(Path(folder), settings, model)
        except CoderankError as error:
            return Finding("self-test", "fail", error.message, error.remedy)
        except (ImportError, OSError) as error:
            return Finding("self-test", "fail", f"{type(error).__name__}: {error}", _REINSTALL)
        elapsed = time.perf_counter() - started
    if found != "ring.py":
        return Finding("self-test", "fail", f"{used} put {found or 'nothing'} first, not ring.py", "Report this")
    return Finding("self-test", "ok", f"indexed and searched with {used} in {elapsed:.1f} s")


def _ask_of_two_files(folder: Path, settings: Settings, model: str) -> tuple[str, str]:
    """The path of the first hit, and the model that found it."""
    from coderank.engine import Engine  # noqa: PLC0415 - a broken part must show as a finding, not stop the others

    root = folder / "tree"
    root.mkdir()
    for name, text in _SELF_TEST.items():
        (root / name).write_text(text, "utf-8")
    # The cache is new, else the vectors would be known; the data folder is not, as exported models are there.
    # Nor do static vectors stand in: they would answer for a model that cannot.
    own = replace(settings, cache_dir=folder / "cache", static_model="none")
    with Engine.open(root, model=model, settings=own, index_dir=folder / "index") as engine:
        engine.index()
        result = engine.search(_SELF_TEST_QUERY, mode="dense")
    return (result[0].path if len(result) else ""), result.index.model
