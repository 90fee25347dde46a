"""Which cross-encoder runs: the one of the settings, else the first that is on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.reranking.shipped_pairs import NAME, install
from tests.reranking.tiny_pairs import write_counter, write_vocabulary

from coderank.errors import ConfigurationError
from coderank.loading import rerankers
from coderank.models import hub
from coderank.reranking.contract import Status
from coderank.settings import Settings

MS_MARCO = "ms-marco-minilm-l6-v2"
PASSAGES = ("a b", "z z z", "z")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")


@pytest.fixture
def shipped_reranker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return install(tmp_path / "package", monkeypatch)


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache that has the model trained on web pages."""
    folder = tmp_path / "snapshot"
    write_vocabulary(folder)
    write_counter(folder / "model.onnx")
    monkeypatch.setattr(hub, "cached", lambda model: folder if model.name == MS_MARCO else None)
    return folder


@pytest.fixture
def unpulled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "cached", lambda _: None)


def names(settings: Settings) -> tuple[str, ...]:
    return rerankers.opened_cascade(settings).names


def test_the_one_trained_on_code_comes_first(settings: Settings, shipped_reranker: Path, pulled: Path) -> None:
    assert names(settings) == (NAME,)


def test_without_it_the_one_that_was_pulled_runs(settings: Settings, shipped_reranker: Path, pulled: Path) -> None:
    shipped_reranker.unlink()
    assert names(settings) == (MS_MARCO,)


@pytest.mark.parametrize("name", [MS_MARCO, "cross-encoder/ms-marco-MiniLM-L6-v2"])
def test_the_other_can_be_named(settings: Settings, shipped_reranker: Path, pulled: Path, name: str) -> None:
    assert names(replace(settings, rerank_cross_encoder=name)) == (MS_MARCO,)


def test_a_folder_comes_before_any_name(settings: Settings, shipped_reranker: Path, pulled: Path) -> None:
    assert names(replace(settings, rerank_folder=pulled, rerank_cross_encoder=NAME)) == ("cross-encoder",)


def test_it_ranks_and_reads_as_many_tokens_as_it_was_trained_with(settings: Settings, shipped_reranker: Path) -> None:
    found = rerankers.cross_encoder(settings)
    assert found is not None
    assert found.max_tokens == 256
    ranking = rerankers.opened_cascade(settings).trials()[NAME]
    assert ranking.status is Status.COMPLETE


def test_a_damaged_file_is_not_asked_and_told(settings: Settings, shipped_reranker: Path) -> None:
    shipped_reranker.write_bytes(shipped_reranker.read_bytes()[:-1] + b"?")
    trouble = rerankers.opened_cascade(settings).unavailable()[NAME]
    assert "are damaged" in trouble
    assert "pip install --force-reinstall coderank" in trouble


@pytest.mark.parametrize(
    ("name", "complaint", "remedy"),
    [
        (MS_MARCO, "The cross-encoder ms-marco-minilm-l6-v2 is not on this", "coderank models pull ms-marco-minilm"),
        (NAME, "The cross-encoder coderank-mini-rerank is not on this", "pip install --force-reinstall coderank"),
        ("coderank-llm", "No cross-encoder is called 'coderank-llm'", "auto, coderank-mini-rerank, ms-marco-minilm"),
    ],
)
def test_one_that_is_not_here_is_refused_with_the_remedy(
    settings: Settings, shipped_reranker: Path, unpulled: None, name: str, complaint: str, remedy: str
) -> None:
    shipped_reranker.unlink()
    with pytest.raises(ConfigurationError) as caught:
        names(replace(settings, rerank_cross_encoder=name))
    assert complaint in caught.value.message
    assert remedy in caught.value.remedy


def test_a_users_own_can_be_named(settings: Settings, pulled: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(
        f'[models.ours]\nkind = "reranker"\nfolder = "{pulled}"\nrevision = "1"\ndimension = 0\npooling = "cls"\n'
        'max_tokens = 128\nbackends = ["onnx"]\n'
    )
    own = replace(settings, models_file=file, rerank_cross_encoder="Ours")
    assert names(own) == ("ours",)
    assert rerankers.is_cross_encoder("ours", own)
    assert not rerankers.is_cross_encoder("ours", settings)
    assert not rerankers.is_cross_encoder("coderank-llm", settings)
