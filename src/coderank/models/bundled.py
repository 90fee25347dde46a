"""Weights that come with coderank, so that search works without a network (made by training/bundle.py)."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from coderank.models.catalogue import Model

FILE = Path(__file__).parent / "weights" / "all-minilm-l6-v2.onnx"
SHA256 = "c43d470de8a0679d8db80e47deee1dea1972848212855bfd2b59364ef4f8e83b"
SIZE = 24_054_019
"""Bytes."""
REMEDY = "Run: pip install --force-reinstall coderank"


def bundled_weights(model: Model) -> Path:
    """Locate the ``.onnx`` file of a bundled model, verified once in a process.

    Raises:
        ModelUnavailableError: the model is not bundled, or its file is missing or damaged.
    """
    if model.weights != "bundled":
        raise ModelUnavailableError(
            f"the weights of {model.name} do not come with coderank", "Use those that do: --model all-minilm-l6-v2"
        )
    return _verified(FILE)


@cache
def _verified(path: Path) -> Path:
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
