"""Where the weights of a model are on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from coderank.errors import ModelUnavailableError
from coderank.models.bundled import bundled_weights
from coderank.models.exported import Record, find
from coderank.models.hub import cached

if TYPE_CHECKING:
    from coderank.models.catalogue import Model

PlaceKind: TypeAlias = Literal["bundled", "export", "hub", "folder"]


@dataclass(frozen=True, slots=True)
class Place:
    """One file or folder that holds weights."""

    kind: PlaceKind
    path: Path
    export: Record | None = None
    """What is known of an exported file."""


def places(model: Model, exports: Path) -> list[Place]:
    """List where the weights of a model are, ready ones first, without a network; ``exports`` is the exports' root."""
    ready = [Place("export", export.path, export.record) for export in find(exports, model)]
    origin = _origin(model)
    return [*ready, Place(model.weights, origin)] if origin else ready


def _origin(model: Model) -> Path | None:
    try:
        if model.weights == "bundled":
            return bundled_weights(model)
        if model.weights == "hub":
            return cached(model)
    except ModelUnavailableError:
        # Missing or damaged, which says whoever wants to use them; a list goes on to the next model.
        return None
    folder = Path(model.folder).expanduser()
    return folder if folder.is_dir() else None
