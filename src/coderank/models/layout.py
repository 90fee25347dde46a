"""Whether a folder in the layout of a hub repository holds the model that the catalogue describes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from coderank.errors import ModelUnavailableError
from coderank.models.nomic_bert import native_config
from coderank.models.safetensors import Shapes, read_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.models.catalogue import Model, Pooling

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
"""Weight files that run code when they are opened."""

_STAGES = frozenset({"Transformer", "Pooling", "Normalize"})
_POOLING_KEYS: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}
_LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")
_EMBEDDING = re.compile(r"(?:^|\.)(?:word_embeddings|embed_tokens)\.weight$")

DecodedT = TypeVar("DecodedT")


class _Module(msgspec.Struct):
    type: str
    path: str


class _Prompts(msgspec.Struct):
    prompts: dict[str, str] = {}


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder whose weights may be loaded."""

    folder: Path
    config: dict[str, object]
    """config.json in the names that transformers reads."""
    notes: tuple[str, ...]
    """What is unusual and does not forbid the use: one sentence each."""


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files that make up the model, those named by an index that are missing included."""
    index = folder / INDEX
    if not index.is_file():
        return [folder / SINGLE]
    return [folder / name for name in sorted(set(_decode(index, _Index).weight_map.values()))]


def is_complete(folder: Path) -> bool:
    """Whether configuration and every weight file are there, as they are not after an interrupted download."""
    return (folder / "config.json").is_file() and all(path.is_file() for path in weight_files(folder))


def inspect(folder: Path, model: Model) -> Layout:
    """Check files, architecture, pooling and prompt of a folder against the catalogue.

    Raises:
        ModelUnavailableError: something is missing or differs in a way that would change vectors.
    """
    if not is_complete(folder):
        raise ModelUnavailableError(_incomplete(folder), _completion(model))
    config = native_config(_decode(folder / "config.json", dict[str, object]))
    _check_architecture(config, model)
    _check_weights(config, _shapes(folder))
    stages = _stages(folder)
    _check_pooling(folder, stages, model)
    return Layout(folder, config, (*_prompt_notes(folder, model), *_length_notes(config, model)))


def _incomplete(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    pickles = [path.name for pattern in PICKLES for path in folder.glob(pattern)]
    if pickles:
        return f"{folder} has its weights in {pickles[0]} only, a file that can run code: safetensors are wanted"
    wanted = [folder / "config.json", *weight_files(folder)]
    return f"{folder} lacks {', '.join(path.name for path in wanted if not path.is_file())}"


def _completion(model: Model) -> str:
    if not model.hub_id:
        return "Put config.json and the weights as safetensors there"
    return f"Put config.json and the weights as safetensors there, or run: coderank models pull {model.name}"


def _check_architecture(config: dict[str, object], model: Model) -> None:
    facts = {
        "hidden_size": model.dimension,
        "num_hidden_layers": model.layers,
        "vocab_size": model.vocabulary,
    }
    for key, expected in facts.items():
        if expected and config.get(key) != expected:
            raise _other_model(model, f"{key} is {config.get(key)!r} instead of {expected}")
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions < model.max_tokens:
        raise _other_model(model, f"it has {positions!r} positions, and {model.max_tokens} tokens are to be read")


def _check_weights(config: dict[str, object], shapes: Shapes) -> None:
    layers = {int(found[1]) for name in shapes if (found := _LAYER.search(name))}
    if len(layers) != config.get("num_hidden_layers"):
        raise ModelUnavailableError(
            f"the weights have {len(layers)} layers, config.json says {config.get('num_hidden_layers')!r}"
        )
    wanted = (config.get("vocab_size"), config.get("hidden_size"))
    for name, shape in shapes.items():
        if _EMBEDDING.search(name) and shape != wanted:
            raise ModelUnavailableError(f"the weights' {name} has the shape {shape}, config.json says {wanted}")


def _shapes(folder: Path) -> Shapes:
    return {name: shape for path in weight_files(folder) for name, shape in read_shapes(path).items()}


def _stages(folder: Path) -> list[_Module]:
    path = folder / "modules.json"
    stages = _decode(path, list[_Module]) if path.is_file() else []
    unknown = [stage.type for stage in stages if stage.type.rpartition(".")[2] not in _STAGES]
    if unknown:
        raise ModelUnavailableError(f"{path} names the stage {unknown[0]}, which cannot be computed here")
    return stages


def _check_pooling(folder: Path, stages: list[_Module], model: Model) -> None:
    paths = [folder / stage.path / "config.json" for stage in stages if stage.type.endswith("Pooling")]
    for path in paths:
        config = _decode(path, dict[str, object])
        modes = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        # Newer releases of sentence-transformers write one name instead of a flag for each mode.
        named = config.get("pooling_mode")
        found = {_POOLING_KEYS.get(mode, mode) for mode in modes} or {str(named).removesuffix("token")}
        if found != {model.pooling}:
            raise _other_model(
                model, f"{path} asks for {' and '.join(sorted(found))} pooling instead of {model.pooling}"
            )


def _prompt_notes(folder: Path, model: Model) -> list[str]:
    path = folder / "config_sentence_transformers.json"
    prompts = _decode(path, _Prompts).prompts if path.is_file() else {}
    prompt = prompts.get("query")
    if prompt is None or prompt == model.query_prefix:
        return []
    return [f"{path} has the query prompt {prompt!r}, and {model.name} is used with {model.query_prefix!r}"]


def _length_notes(config: dict[str, object], model: Model) -> list[str]:
    positions = config["max_position_embeddings"]
    if positions == model.max_tokens_limit:
        return []
    return [f"config.json has {positions} positions, the catalogue {model.max_tokens_limit}"]


def _decode(path: Path, kind: type[DecodedT]) -> DecodedT:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ModelUnavailableError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ModelUnavailableError(
            f"{path} cannot be used: {error}", "Delete the file and download it again"
        ) from error


def _other_model(model: Model, reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"these are not the weights of {model.name}: {reason}",
        "Check the folder, or describe the model in a file of your own, CODERANK_MODELS_FILE",
    )
