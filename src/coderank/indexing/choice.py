"""Which model an index is built with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import INDEX, REBUILD, IndexIncompatibleError, ModelNotFoundError
from coderank.models import catalogue

if TYPE_CHECKING:
    from coderank.models.catalogue import Model
    from coderank.store.fingerprint import IndexRecord

AUTO_MODEL = "all-minilm-l6-v2"
"""What ``auto`` takes for a new index: the model whose weights come with the installation."""


def embedder(name: str) -> Model:
    """Find a model by name, ``auto`` included. Raises ModelNotFoundError, also for one that cannot embed."""
    model = catalogue.get(AUTO_MODEL if name == "auto" else name)
    if model.kind != "embedder":
        raise ModelNotFoundError(f"{model.name} is a {model.kind}, not an embedder", f"Take --model {AUTO_MODEL}")
    return model


def remembered_embedder(index: IndexRecord) -> Model:
    """Find the model that an index was built with; raise IndexIncompatibleError if there is none any more."""
    try:
        return embedder(index.fingerprint.model)
    except ModelNotFoundError as error:
        raise IndexIncompatibleError(
            f"The index of {index.root} was built with {index.fingerprint.model!r}, which cannot be used here",
            REBUILD.replace(INDEX, f"--model {AUTO_MODEL} {INDEX}"),
        ) from error
