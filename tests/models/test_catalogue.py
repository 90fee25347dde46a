from __future__ import annotations

import dataclasses

import pytest

from coderank.errors import ModelNotFoundError
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
        ("coderank-mini", 384, "mean", "Apache-2.0"),
        ("all-minilm-l6-v2", 384, "mean", "Apache-2.0"),
    ],
)
def test_embedders(name: str, dimension: int, pooling: str, licence: str) -> None:
    model = get(name)
    assert (model.kind, model.dimension, model.pooling, model.licence) == ("embedder", dimension, pooling, licence)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_is_found_by_name_and_hub_id_in_any_case(model: Model) -> None:
    names = [model.name, model.name.upper(), *filter(None, (model.hub_id, model.hub_id.upper()))]
    assert all(get(name) is model for name in names)


def test_names_are_distinct() -> None:
    names = [name for model in MODELS for name in (model.name, model.hub_id) if name]
    assert len({name.lower() for name in names}) == len(names)


def test_what_is_bundled_is_on_no_hub_or_was_taken_from_there() -> None:
    assert [model.name for model in MODELS if not model.hub_id] == [
        model.name for model in MODELS if model.weights == "bundled" and model.name != "all-minilm-l6-v2"
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_usable_as_described(model: Model) -> None:
    assert 0 < model.max_tokens <= model.max_tokens_limit
    assert model.backends
    assert model.revision


def test_only_embedders_have_vectors_and_a_fusion_weight() -> None:
    assert all(model.dimension > 0 and model.lexical_weight > 0 for model in EMBEDDERS)
    assert all(model.dimension == 0 and model.lexical_weight == 0 for model in RERANKERS)


@pytest.mark.parametrize("model", [model for model in MODELS if model.cut_of], ids=lambda model: model.name)
def test_a_cut_model_is_another_one_in_name_and_dimension_alone(model: Model) -> None:
    whole = get(model.cut_of)
    assert model.name == f"{whole.name}-{model.dimension}"
    assert model.dimension < whole.dimension
    assert dataclasses.replace(model, name=whole.name, dimension=whole.dimension, cut_of="") == whole


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
