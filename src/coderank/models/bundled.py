"""Weights that come with coderank, so that search works without a network.

all-MiniLM-L6-v2 is a file of this package (made by training/bundle.py). The others are in ``coderank_models``, a
package of data alone with a manifest (made by training/ship.py), so that code and weights have versions of their own.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coderank.errors import ModelUnavailableError

if TYPE_CHECKING:
    from coderank.models.catalogue import Model

PACKAGE = "coderank_models"
MANIFEST = "manifest.json"
REMEDY = "Run: pip install --force-reinstall coderank"


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of weights, as a manifest lists it."""

    name: str
    """Of the model in the catalogue."""
    file: str
    size: int
    """Bytes."""
    sha256: str
    version: str
    """Of the training that made it."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a package of weights holds."""

    models: tuple[Weights, ...]


OWN_FOLDER = Path(__file__).parent / "weights"
OWN = Weights(
    name="all-minilm-l6-v2",
    file="all-minilm-l6-v2.onnx",
    size=24_054_019,
    sha256="c43d470de8a0679d8db80e47deee1dea1972848212855bfd2b59364ef4f8e83b",
    version="1",
)


def bundled_weights(model: Model) -> Path:
    """Locate the file of a bundled model, verified once in a process.

    Raises:
        ModelUnavailableError: the model is not bundled, its file is missing or damaged, or holds other weights than the
            catalogue describes.
    """
    if model.weights != "bundled":
        raise ModelUnavailableError(
            f"the weights of {model.name} do not come with coderank", "Use those that do: --model all-minilm-l6-v2"
        )
    folder, listed = _listed(model)
    if listed is None:
        lacking = f"{folder} has none" if folder else f"the package {PACKAGE} is not installed"
        raise ModelUnavailableError(f"the weights of {model.name} are not here: {lacking}", _remedy(model))
    if not listed.sha256.startswith(model.revision):
        raise ModelUnavailableError(
            f"the weights of {model.name} in {folder} are {listed.sha256[:12]} instead of {model.revision}: "
            "the packages are of different versions",
            _remedy(model),
        )
    return _verified((folder or OWN_FOLDER) / listed.file, listed.size, listed.sha256)


def is_here(model: Model) -> bool:
    """Tell whether the weights of a bundled model are there, without reading them."""
    try:
        folder, listed = _listed(model)
    except ModelUnavailableError:
        return False
    if folder is None or listed is None or not listed.sha256.startswith(model.revision):
        return False
    return folder.joinpath(listed.file).is_file()


def holds(model: Model) -> bool:
    """Tell whether this installation says that it has the weights of a bundled model.

    Raises:
        ModelUnavailableError: the package of weights is missing, or does not say what it holds.
    """
    folder, listed = _listed(model)
    if folder is None:
        raise ModelUnavailableError(f"the package {PACKAGE} is not installed", REMEDY)
    return listed is not None


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


def read_manifest(folder: Path) -> Manifest:
    """Read what a folder of weights says it holds.

    Raises:
        ModelUnavailableError: it does not say, or in another form.
    """
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelUnavailableError(f"cannot read {path}: {error.strerror}", REMEDY) from error
    except msgspec.DecodeError as error:
        raise ModelUnavailableError(f"{path} cannot be used: {error}", REMEDY) from error


@cache
def package_folder() -> Path | None:
    """Find the package of weights, without running it; None where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    found = list(spec.submodule_search_locations or ()) if spec else []
    return Path(found[0]) if found else None


def _listed(model: Model) -> tuple[Path | None, Weights | None]:
    """Give the folder that should hold a model, and what it lists of it; None for what is not there."""
    if model.name == OWN.name:
        return OWN_FOLDER, OWN
    folder = package_folder()
    if folder is None:
        return None, None
    return folder, next((one for one in read_manifest(folder).models if one.name == (model.cut_of or model.name)), None)


def _remedy(model: Model) -> str:
    return f"{REMEDY}, or {'search without reranking' if model.kind == 'reranker' else 'take --model all-minilm-l6-v2'}"


@cache
def _verified(path: Path, size: int, sha256: str) -> Path:
    verify(path, size, sha256)
    return path
