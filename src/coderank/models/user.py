"""Models that a user describes in a file, without code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from coderank.errors import ConfigurationError
from coderank.models.catalogue import MODELS, Backend, Kind, Model, Pooling, get

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.settings import Settings


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    hub_id: str = ""
    folder: str = ""
    revision: str
    dimension: int
    pooling: Pooling
    max_tokens: int
    max_tokens_limit: int = 0
    kind: Kind = "embedder"
    query_prefix: str = ""
    licence: str = "LicenseRef-unknown"
    backends: tuple[Backend, ...] = ("torch",)
    # Where nothing was measured, what was measured on the bundled model, as in the catalogue.
    lexical_weight: float = get("all-minilm-l6-v2").lexical_weight
    layers: int = 0
    vocabulary: int = 0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: dict[str, dict[str, Any]]


def catalogue_of(settings: Settings) -> tuple[Model, ...]:
    """List the built-in models, then those of the user's file where the settings name one.

    Raises:
        ConfigurationError: the file cannot be used, or gives a model a name that a built-in one has.
    """
    own = load_models(settings.models_file) if settings.models_file else ()
    taken = {name.lower() for model in MODELS for name in (model.name, model.hub_id)}
    for model in own:
        if model.name.lower() in taken:
            raise ConfigurationError(
                f"{settings.models_file} describes {model.name!r}, which is a built-in model", "Give it another name"
            )
    return (*MODELS, *own)


def load_models(path: Path) -> tuple[Model, ...]:
    """Read catalogue entries from the table ``models`` of a TOML or JSON file, one sub-table for each name.

    Raises:
        ConfigurationError: the file cannot be read, has an unknown or missing key, or describes no usable model.
    """
    decode = msgspec.toml.decode if path.suffix == ".toml" else msgspec.json.decode
    try:
        file = decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise ConfigurationError(f"cannot read the model file {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"the model file {path} cannot be used: {error}", "Correct the named key") from error
    return tuple(_model(path, name, fields) for name, fields in file.models.items())


def _model(path: Path, name: str, written: dict[str, Any]) -> Model:
    try:
        entry = msgspec.convert(written, _Entry)
        complaint = _complaint(entry)
    except msgspec.ValidationError as error:
        complaint = f"cannot be used: {error}"
    if complaint:
        raise ConfigurationError(f"the model {name!r} in {path} {complaint}", "Correct the entry")
    fields = msgspec.structs.asdict(entry)
    fields["max_tokens_limit"] = entry.max_tokens_limit or entry.max_tokens
    return Model(name=name, weights="folder" if entry.folder else "hub", **fields)


def _complaint(entry: _Entry) -> str:
    if bool(entry.hub_id) == bool(entry.folder):
        return "needs either hub_id or folder"
    if not entry.revision:
        return "needs a revision, which tells its vectors from those of other weights"
    if (entry.dimension > 0) != (entry.kind == "embedder"):
        return f"cannot be of kind {entry.kind} with dimension {entry.dimension}"
    if entry.max_tokens < 1 or 0 < entry.max_tokens_limit < entry.max_tokens:
        return f"cannot read {entry.max_tokens} tokens of at most {entry.max_tokens_limit or 'any number'}"
    return _complaint_of_backends(entry)


def _complaint_of_backends(entry: _Entry) -> str:
    if entry.kind == "embedder" and "endpoint" in entry.backends:
        return "cannot embed at an endpoint: backends are onnx, torch and static"
    if "static" in entry.backends and (entry.backends != ("static",) or not entry.folder or entry.kind != "embedder"):
        return "is static: that needs a folder, the kind embedder and no other back end"
    return "" if entry.backends else "needs a back end"
