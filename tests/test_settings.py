from __future__ import annotations

from pathlib import Path

import pytest

from coderank.errors import ConfigurationError
from coderank.settings import Settings


def test_defaults_come_from_the_platform() -> None:
    settings = Settings.from_environment({})
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "coderank"
    assert settings.cache_dir != settings.data_dir
    assert (settings.model, settings.threads, settings.background, settings.debug) == ("auto", 0, True, False)


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "CODERANK_DATA_DIR": str(tmp_path / "data"),
            "CODERANK_CACHE_DIR": str(tmp_path / "cache"),
            "CODERANK_MODEL": "all-minilm-l6-v2",
            "CODERANK_MODELS_FILE": str(tmp_path / "models.toml"),
            "CODERANK_THREADS": "3",
            "CODERANK_BACKGROUND": "off",
            "CODERANK_DEBUG": "1",
            "CODERANK_RERANK_URL": "http://localhost:8000/v1",
            "CODERANK_RERANK_MODEL": "ranker",
            "CODERANK_RERANK_KEY": "secret",
            "CODERANK_RERANK_FOLDER": str(tmp_path / "pairs"),
            "CODERANK_RERANK_CROSS_ENCODER": "ms-marco-minilm-l6-v2",
            "CODERANK_RERANK_BUDGET_MS": "250",
            "CODERANK_RERANK_TIMEOUT_MS": "4000",
            "CODERANK_RERANK_CONTEXT": "4096",
            "CODERANK_RERANK_CONCURRENCY": "2",
            "CODERANK_COLLECTIONS_FILE": str(tmp_path / "collections.toml"),
            "CODERANK_QDRANT_URL": "http://localhost:6333",
            "CODERANK_QDRANT_API_KEY": "secret too",
        }
    )
    assert settings == Settings(
        data_dir=tmp_path / "data",
        cache_dir=tmp_path / "cache",
        model="all-minilm-l6-v2",
        models_file=tmp_path / "models.toml",
        threads=3,
        background=False,
        debug=True,
        rerank_url="http://localhost:8000/v1",
        rerank_model="ranker",
        rerank_key="secret",
        rerank_folder=tmp_path / "pairs",
        rerank_cross_encoder="ms-marco-minilm-l6-v2",
        rerank_budget_ms=250,
        rerank_timeout_ms=4_000,
        rerank_context=4_096,
        rerank_concurrency=2,
        collections_file=tmp_path / "collections.toml",
        qdrant_url="http://localhost:6333",
        qdrant_api_key="secret too",
    )
    assert "secret" not in repr(settings)


def test_a_relative_folder_is_made_absolute() -> None:
    assert Settings.from_environment({"CODERANK_DATA_DIR": "here"}).data_dir == Path("here").absolute()


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"CODERANK_THREADS": "", "CODERANK_MODEL": ""}).model == "auto"


@pytest.mark.parametrize(
    ("name", "value"), [("CODERANK_THREADS", "two"), ("CODERANK_THREADS", "-1"), ("CODERANK_BACKGROUND", "maybe")]
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is '{value}'"):
        Settings.from_environment({name: value})


def test_the_variables_of_qdrant_itself_are_read_after_ours() -> None:
    theirs = {"QDRANT_URL": "http://theirs", "QDRANT_API_KEY": "k"}
    assert Settings.from_environment(theirs).qdrant_url == "http://theirs"
    assert Settings.from_environment(theirs).qdrant_api_key == "k"
    assert Settings.from_environment(theirs | {"CODERANK_QDRANT_URL": "http://ours"}).qdrant_url == "http://ours"


def test_collections_are_described_in_the_users_configuration_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    settings = Settings.from_environment({})
    assert settings.collections_place() == tmp_path / "coderank" / "collections.json"
    (tmp_path / "coderank").mkdir()
    (tmp_path / "coderank" / "collections.toml").touch()
    assert settings.collections_place() == tmp_path / "coderank" / "collections.toml"
    given = Settings.from_environment({"CODERANK_COLLECTIONS_FILE": "/mine.json"})
    assert given.collections_place() == Path("/mine.json")
