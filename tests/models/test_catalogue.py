from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from coderank.errors import ModelNotFoundError, ModelUnavailableError
from coderank.models.bundled import bundled_weights, verify
from coderank.models.catalogue import MODELS, Model, get

EMBEDDERS = [model for model in MODELS if model.kind == "embedder"]
RERANKERS = [model for model in MODELS if model.kind == "reranker"]


def test_the_query_prefix_is_the_one_it_was_trained_with() -> None:
    assert get("coderank-embed").query_prefix == "Represent this query for searching relevant code: "


@pytest.mark.parametrize(
    ("name", "dimension", "pooling", "licence"),
    [
        ("coderank-embed", 768, "cls", "MIT"),
        ("nomic-embed-code", 3584, "last", "Apache-2.0"),
        ("all-minilm-l6-v2", 384, "mean", "Apache-2.0"),
    ],
)
def test_embedders(name: str, dimension: int, pooling: str, licence: str) -> None:
    model = get(name)
    assert (model.kind, model.dimension, model.pooling, model.licence) == ("embedder", dimension, pooling, licence)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_is_found_by_name_and_hub_id_in_any_case(model: Model) -> None:
    assert get(model.name) is get(model.hub_id) is get(model.hub_id.upper()) is model


def test_names_are_distinct() -> None:
    assert len({model.name for model in MODELS}) == len({model.hub_id for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_usable_as_described(model: Model) -> None:
    assert 0 < model.max_tokens <= model.max_tokens_limit
    assert model.backends
    assert model.revision


def test_only_embedders_have_vectors_and_a_fusion_weight() -> None:
    assert all(model.dimension > 0 and model.lexical_weight > 0 for model in EMBEDDERS)
    assert all(model.dimension == 0 and model.lexical_weight == 0 for model in RERANKERS)


def test_a_model_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get("coderank-embed").dimension = 3  # type: ignore[misc]


def test_unknown_name_is_answered_with_the_closest_and_all_embedders() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        get("coderank-embd")
    assert "'coderank-embd'" in str(caught.value)
    assert "Did you mean coderank-embed?" in str(caught.value)
    assert all(model.name in str(caught.value) for model in EMBEDDERS)
    assert not any(model.name in str(caught.value) for model in RERANKERS)


def test_a_name_like_no_other_has_no_suggestion() -> None:
    with pytest.raises(ModelNotFoundError, match="Known embedders") as caught:
        get("zzzz")
    assert "Did you mean" not in str(caught.value)


def test_bundled_weights_are_the_file_the_catalogue_names() -> None:
    model = get("all-minilm-l6-v2")
    path = bundled_weights(model)
    assert path.suffix == ".onnx"
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(model.revision)


def test_other_weights_are_not_bundled() -> None:
    with pytest.raises(ModelUnavailableError, match="--model all-minilm-l6-v2"):
        bundled_weights(get("coderank-embed"))


@pytest.mark.parametrize(("content", "complaint"), [(b"abc", "3 bytes instead of 4"), (b"abcX", "are damaged")])
def test_damaged_weights_are_refused_with_the_remedy(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=complaint) as caught:
        verify(path, 4, hashlib.sha256(b"abcd").hexdigest())
    assert "pip install --force-reinstall coderank" in caught.value.remedy


def test_intact_weights_pass(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"abcd")
    verify(path, 4, hashlib.sha256(b"abcd").hexdigest())


def test_missing_weights_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"cannot read the weights .*pip install"):
        verify(tmp_path / "model.onnx", 4, "")
