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
            "CODERANK_RERANK_BUDGET_MS": "250",
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
        rerank_budget_ms=250,
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
