from __future__ import annotations

import re
from pathlib import Path

import pytest

from coderank.errors import ConfigurationError
from coderank.models.catalogue import MODELS, get
from coderank.models.user import catalogue_of, load_models
from coderank.settings import Settings

ENTRY = """
[models.our-embedder]
hub_id = "us/our-embedder"
revision = "abc123"
dimension = 1024
pooling = "last"
max_tokens = 512
"""


def written(tmp_path: Path, content: str, name: str = "models.toml") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_an_entry_becomes_a_model(tmp_path: Path) -> None:
    (model,) = load_models(written(tmp_path, ENTRY))
    assert (model.name, model.hub_id, model.weights, model.kind) == (
        "our-embedder",
        "us/our-embedder",
        "hub",
        "embedder",
    )
    assert (model.dimension, model.pooling, model.query_prefix) == (1024, "last", "")
    assert model.lexical_weight == get("coderank-embed").lexical_weight
    assert (model.max_tokens, model.max_tokens_limit, model.backends) == (512, 512, ("torch",))


def test_the_example_of_the_documentation_is_a_model(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    example, table = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (static,) = load_models(written(tmp_path, table))
    assert (static.name, static.is_static, static.weights) == ("our-table", True, "folder")
    (model,) = load_models(written(tmp_path, example))
    assert (model.name, model.hub_id, model.query_prefix) == ("our-embedder", "our-team/embedder", "Find the code: ")


def test_json_says_the_same(tmp_path: Path) -> None:
    content = """{"models": {"local": {"folder": "~/weights", "revision": "1", "dimension": 8, "pooling": "cls",
        "max_tokens": 64, "max_tokens_limit": 128, "query_prefix": "find: ", "backends": ["onnx", "torch"]}}}"""
    (model,) = load_models(written(tmp_path, content, "models.json"))
    assert (model.weights, model.folder, model.max_tokens_limit) == ("folder", "~/weights", 128)
    assert model.backends == ("onnx", "torch")


def test_a_users_model_is_found_beside_the_others_and_before_them(tmp_path: Path) -> None:
    own = load_models(written(tmp_path, ENTRY + ENTRY.replace("our-embedder", "coderank-embed")))
    assert get("Our-Embedder", (*own, *MODELS)) is own[0]
    assert get("coderank-embed", (*own, *MODELS)) is own[1]
    assert get("all-minilm-l6-v2", (*own, *MODELS)) in MODELS


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("pooling", "poling", "`poling`"),
        ('"last"', '"first"', "Invalid enum value 'first'"),
        ("max_tokens = 512", "", "missing required field `max_tokens`"),
        ("1024", '"many"', r"Expected `int`, got `str`"),
        ("1024", "0", "cannot be of kind embedder with dimension 0"),
        ("512", "0", "cannot read 0 tokens"),
        ("512", "512\nmax_tokens_limit = 100", "cannot read 512 tokens of at most 100"),
        ('"abc123"', '""', "needs a revision"),
        ("hub_id", "folder = 'here'\nhub_id", "needs either hub_id or folder"),
        ('hub_id = "us/our-embedder"', "", "needs either hub_id or folder"),
        ("512", "512\nbackends = []", "needs a back end"),
        ("512", '512\nbackends = ["endpoint"]', "cannot embed at an endpoint"),
        ("512", '512\nbackends = ["static"]', "is static: that needs a folder"),
        ('hub_id = "us/our-embedder"', "folder = 'here'\nbackends = ['static', 'onnx']", "and no other back end"),
        ("[models.our", "[models", "cannot be used"),
    ],
)
def test_an_unusable_entry_is_refused_by_name(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        load_models(written(tmp_path, ENTRY.replace(old, new)))
    assert "models.toml" in str(caught.value)


def test_of_several_entries_the_bad_one_is_named(tmp_path: Path) -> None:
    bad = ENTRY.replace("our-embedder]", "other]").replace("pooling", "poling")
    with pytest.raises(ConfigurationError, match=r"the model 'other' in .*unknown field `poling`"):
        load_models(written(tmp_path, ENTRY + bad))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the model file"):
        load_models(tmp_path / "models.toml")


def settings_with(tmp_path: Path, models_file: Path | None) -> Settings:
    return Settings(data_dir=tmp_path, cache_dir=tmp_path, models_file=models_file)


def test_the_catalogue_of_the_settings_has_the_users_models_last(tmp_path: Path) -> None:
    assert catalogue_of(settings_with(tmp_path, None)) == MODELS
    *built_in, own = catalogue_of(settings_with(tmp_path, written(tmp_path, ENTRY)))
    assert (tuple(built_in), own.name) == (MODELS, "our-embedder")


@pytest.mark.parametrize("name", ["coderank-embed", "Coderank-Embed", '"nomic-ai/CodeRankEmbed"'])
def test_a_built_in_model_cannot_be_described_anew(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, ENTRY.replace("our-embedder]", f"{name}]"))
    with pytest.raises(ConfigurationError, match=r"models.toml describes .*, which is a built-in model"):
        catalogue_of(settings_with(tmp_path, path))
