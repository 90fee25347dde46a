"""Which model an index is built with."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from coderank.errors import INDEX, REBUILD, ConfigurationError, IndexIncompatibleError, ModelNotFoundError
from coderank.models import catalogue
from coderank.models.user import catalogue_of

if TYPE_CHECKING:
    from coderank.models.catalogue import Model
    from coderank.settings import Settings
    from coderank.store.fingerprint import IndexRecord

PREFERRED_MODEL = "coderank-embed"
"""What ``auto`` takes where it runs at once."""
BUNDLED_MODEL = "coderank-mini"
"""What ``auto`` takes elsewhere: its weights come with the installation."""
ALWAYS_THERE = "all-minilm-l6-v2"
"""Part of coderank's own package: it runs where the package of weights is missing."""

STATIC_MODEL = "coderank-static"
"""The table whose vectors stand in for those of a model until they are there."""


def embedder(name: str, settings: Settings) -> Model:
    """Find a model by name, ``auto`` included. Raises ModelNotFoundError, also for one that cannot embed."""
    if name == "auto":
        name = PREFERRED_MODEL if _runs_at_once(catalogue.get(PREFERRED_MODEL), settings) else bundled_model()
    model = catalogue.get(name, catalogue_of(settings))
    if model.kind != "embedder":
        raise ModelNotFoundError(f"{model.name} is a {model.kind}, not an embedder", f"Take --model {bundled_model()}")
    return sized(model, settings)


def bundled_model() -> str:
    """Name the model that ``auto`` takes where the preferred one does not run at once."""
    if BUNDLED_MODEL == ALWAYS_THERE:
        return ALWAYS_THERE
    from coderank.models.bundled import is_here  # noqa: PLC0415 - most searches have an index that names its model

    return BUNDLED_MODEL if is_here(catalogue.get(BUNDLED_MODEL)) else ALWAYS_THERE


def stand_in(settings: Settings) -> Model | None:
    """Find the table whose vectors stand in for those of a model until they are there; None for none.

    Raises:
        ModelNotFoundError: the settings name one that is not known.
        ConfigurationError: they name a model that is no table.
    """
    if settings.static_model == "none":
        return None
    if settings.static_model == "auto":
        from coderank.models.bundled import is_here  # noqa: PLC0415 - as above

        known = catalogue.get(STATIC_MODEL)
        return known if is_here(known) else None
    model = catalogue.get(settings.static_model, catalogue_of(settings))
    if not model.is_static:
        raise ConfigurationError(
            f"CODERANK_STATIC_MODEL is {settings.static_model!r}, which is no table of token vectors",
            "Name a model with the back end static, or none",
        )
    return model


def sized(model: Model, settings: Settings) -> Model:
    """Give the model that reads as many tokens as the settings say."""
    if not settings.max_tokens:
        return model
    from coderank.loading.embedder import with_max_tokens  # noqa: PLC0415 - hardly anybody sets it

    return with_max_tokens(model, settings.max_tokens)


def cut_to(dimension: int, model: Model, settings: Settings) -> Model:
    """Give the model whose vectors are those of this one, cut to a dimension; where there is none, this one."""
    cuts = (one for one in catalogue_of(settings) if one.cut_of == model.name and one.dimension == dimension)
    return next((sized(one, settings) for one in cuts), model)


def described_embedder(name: str, dimension: int, place: str, settings: Settings) -> Model:
    """Find the model that a description of a collection names.

    Raises:
        ModelNotFoundError: there is none of that name.
        ConfigurationError: its vectors have not the dimension (0: any) that the description says; ``place`` names it.
    """
    model = cut_to(dimension, embedder(name, settings), settings)
    if dimension in {0, model.dimension}:
        return model
    fitting = [one.name for one in catalogue_of(settings) if one.dimension == dimension]
    raise ConfigurationError(
        f"{place} has embedding_dimension {dimension}, and {name} makes {model.dimension}",
        f"Write {model.dimension}" + (f", or take one of: {', '.join(fitting)}" if fitting else ""),
    )


def remembered_embedder(index: IndexRecord, settings: Settings) -> Model:
    """Find the model that an index was built with; raise IndexIncompatibleError if there is none any more."""
    try:
        return embedder(index.fingerprint.model, settings)
    except ModelNotFoundError as error:
        raise IndexIncompatibleError(
            f"The index of {index.root} was built with {index.fingerprint.model!r}, which cannot be used here",
            REBUILD.replace(INDEX, f"--model {bundled_model()} {INDEX}"),
        ) from error


def _runs_at_once(model: Model, settings: Settings) -> bool:
    """Tell whether a model runs here without a download, and without seconds of imports for every command.

    That is: it was exported to ONNX, or its weights are here and torch has a GPU for them.
    """
    if settings.data_dir.joinpath("exports", model.name).is_dir():
        from coderank.models.exported import find  # noqa: PLC0415 - most machines have no export

        if find(settings.data_dir / "exports", model):
            return True
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "huggingface_hub")):
        return False
    from coderank.loading.embedder import NVIDIA_DRIVER  # noqa: PLC0415
    from coderank.models.folder import on_disk  # noqa: PLC0415 - huggingface_hub: 0.3 s

    return NVIDIA_DRIVER.exists() and on_disk(model)
