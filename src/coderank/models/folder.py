"""Which folder holds the weights of a model that does not come with coderank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coderank.models import hub
from coderank.models.layout import Layout, inspect

if TYPE_CHECKING:
    from coderank.models.catalogue import Model


def locate(model: Model, *, folder: Path | None = None, download: bool = True) -> Layout:
    """Find and check the weights: in the given folder, else the model's own, the hub's cache, the hub.

    Raises:
        ModelUnavailableError: there are none, they cannot be downloaded, or they are another model's.
    """
    if folder is None and model.weights == "folder":
        folder = Path(model.folder).expanduser()
    if folder is not None:
        return inspect(folder, model)
    found = hub.cached(model)
    if found is None:
        if not download:
            raise hub.unavailable(model, "downloads are off")
        found = hub.download(model)
    return inspect(found, model)


def on_disk(model: Model) -> bool:
    """Whether the weights of a hub or folder model are here, without a network and without reading them."""
    if model.weights == "folder":
        return Path(model.folder).expanduser().is_dir()
    return hub.cached(model) is not None
