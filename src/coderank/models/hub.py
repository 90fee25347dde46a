"""Weights of the Hugging Face hub: from its cache on this machine, or downloaded at a pinned revision.

Where the cache is, which hub answers and with which token is read by huggingface_hub itself (HF_HOME, HF_ENDPOINT,
HF_TOKEN, HF_HUB_OFFLINE and the proxies' variables).
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ModelUnavailableError
from coderank.models.needed import files_of, missing

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from coderank.models.catalogue import Model

PROBE_SECONDS = 1.0
"""How long a hub may take to answer before it counts as missing: nobody waits longer for an error."""
INSTALL = "Run: pip install huggingface_hub"


def cached(model: Model) -> Path | None:
    """Find the complete snapshot of the pinned revision in the hub's cache, without a network.

    None without huggingface_hub too: only it knows the cache.
    """
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - 0.3 s, and bundled weights do without
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        folder = Path(
            snapshot_download(
                model.hub_id, revision=model.revision, allow_patterns=list(files_of(model)), local_files_only=True
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return None if missing(folder, model) else folder


def download(model: Model, *, endpoint: str | None = None, patience: float = PROBE_SECONDS) -> Path:
    """Fetch the files of the pinned revision into the hub's cache, resuming what was begun.

    ``patience`` are the seconds in which the hub has to show itself; the transfer may then take as long as it takes.

    Raises:
        ModelUnavailableError: the hub does not answer, refuses, or lacks the repository, its revision or its weights.
    """
    try:
        from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415
    except ImportError as error:
        raise ModelUnavailableError(f"a download of {model.name} needs the package {error.name}", INSTALL) from error
    _probe(model, HfApi(endpoint=endpoint), patience)
    _draw_progress_on_terminals_only()
    try:
        folder = Path(
            snapshot_download(
                model.hub_id, revision=model.revision, allow_patterns=list(files_of(model)), endpoint=endpoint
            )
        )
    except _failures() as error:
        raise unavailable(model, f"the download failed: {_first_line(error)}") from error
    if lacking := missing(folder, model):
        raise unavailable(model, f"the repository has no {', '.join(lacking)}")
    return folder


def unavailable(model: Model, reason: str) -> ModelUnavailableError:
    """Say why there are no weights and every way to get some."""
    otherwise = "reranking" if model.kind == "reranker" else "it: --model all-minilm-l6-v2"
    return ModelUnavailableError(
        f"the weights of {model.name} ({model.hub_id}) are not on this machine, and {reason}",
        f"Run: coderank models pull {model.name}, where the hub can be reached (HF_ENDPOINT names a mirror, "
        f"HTTPS_PROXY a proxy), copy its cache here and point HF_HOME at it, or search without {otherwise}",
    )


def _probe(model: Model, api: HfApi, patience: float) -> None:
    """Ask for the pinned revision, in a thread: no setting bounds the time a name server may take."""
    failures: list[Exception] = []
    answered = threading.Event()

    def ask() -> None:
        try:
            api.model_info(model.hub_id, revision=model.revision, timeout=patience)
        except _failures() as error:
            failures.append(error)
        answered.set()

    threading.Thread(target=ask, name="hub-probe", daemon=True).start()
    if not answered.wait(patience):
        raise unavailable(model, f"the hub did not answer within {patience:g} s")
    if failures:
        raise unavailable(model, f"the hub cannot be used: {_first_line(failures[0])}") from failures[0]


def _draw_progress_on_terminals_only() -> None:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars  # noqa: PLC0415

    if not sys.stderr.isatty() and not are_progress_bars_disabled():
        disable_progress_bars()


def _failures() -> tuple[type[Exception], ...]:
    """List what a call of huggingface_hub raises; its HTTP library differs between releases."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    http_errors = tuple(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception))
    return (OSError, ValueError, *http_errors)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
