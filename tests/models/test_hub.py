"""Downloads from a hub in this process, with huggingface_hub itself on the other side."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest
from tests.hub_layout import Shape, write_json, write_nomic_bert, write_qwen2
from tests.models.hub_server import serve

from coderank.errors import ModelUnavailableError
from coderank.models import hub
from coderank.models.catalogue import get
from coderank.models.folder import locate, on_disk
from coderank.reranking.pairs import PairFiles, files

SHAPE = Shape()
MODEL = replace(get("coderank-embed"), dimension=SHAPE.hidden, layers=SHAPE.layers)
PAIRS = get("ms-marco-minilm-l6-v2")
PATIENT = 30.0
"""Seconds: a busy machine must not fail a test."""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    write_nomic_bert(folder, SHAPE)
    (folder / "pytorch_model.bin").write_bytes(b"code")
    (folder / "modeling_hf_nomic_bert.py").write_text("raise SystemExit")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"a second copy")
    return folder


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_only_data_is_downloaded_and_found_again(repository: Path) -> None:
    assert hub.cached(MODEL) is None
    assert not on_disk(MODEL)
    with serve(repository, MODEL.hub_id, MODEL.revision) as (endpoint, asked):
        folder = hub.download(MODEL, endpoint=endpoint, patience=PATIENT)
    assert "model.safetensors" in asked
    assert "1_Pooling/config.json" in asked
    assert not {name for name in asked if name.endswith((".bin", ".py", ".onnx"))}
    assert hub.cached(MODEL) == folder
    assert on_disk(MODEL)
    assert locate(MODEL, download=False).folder == folder


def test_of_a_cross_encoder_the_graph_is_downloaded_and_nothing_else(repository: Path) -> None:
    assert hub.cached(PAIRS) is None
    with serve(repository, PAIRS.hub_id, PAIRS.revision) as (endpoint, asked):
        folder = hub.download(PAIRS, endpoint=endpoint, patience=PATIENT)
    assert set(asked) == {"onnx/model.onnx", "config.json", "tokenizer.json", "vocab.txt"}
    assert hub.cached(PAIRS) == folder
    assert files(folder) == PairFiles(folder / "onnx" / "model.onnx", folder / "tokenizer.json")
    (folder / "onnx" / "model.onnx").unlink()
    assert hub.cached(PAIRS) is None


def test_a_repository_without_weights_that_can_be_used_is_explained(repository: Path) -> None:
    (repository / "model.safetensors").unlink()
    (repository / "onnx" / "model.onnx").unlink()
    for model, lacking in ((MODEL, "model.safetensors"), (PAIRS, "model.onnx or onnx/model.onnx")):
        with (
            serve(repository, model.hub_id, model.revision) as (endpoint, _),
            pytest.raises(ModelUnavailableError, match=f"the repository has no {lacking}"),
        ):
            hub.download(model, endpoint=endpoint, patience=PATIENT)


def test_a_language_model_brings_its_tokenizer_and_every_shard(tmp_path: Path) -> None:
    llm = get("coderank-llm")
    folder = tmp_path / "llm"
    write_qwen2(folder, SHAPE)
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    write_json(
        folder / "model.safetensors.index.json", {"weight_map": {"a.weight": "model-00001-of-00001.safetensors"}}
    )
    for name in ("merges.txt", "vocab.json", "generation_config.json", "chat_template.jinja"):
        (folder / name).write_text("{}")
    with serve(folder, llm.hub_id, llm.revision) as (endpoint, asked):
        hub.download(llm, endpoint=endpoint, patience=PATIENT)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(asked)


def test_without_the_library_nothing_is_cached_and_a_download_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert hub.cached(MODEL) is None
    with pytest.raises(ModelUnavailableError, match=r"needs the package huggingface_hub.*pip install huggingface_hub"):
        hub.download(MODEL)


def test_a_hub_id_that_cannot_be_one_is_not_cached() -> None:
    assert hub.cached(replace(MODEL, hub_id="no//hub//id")) is None
    with pytest.raises(ModelUnavailableError, match=r"the hub cannot be used: .*no//hub//id"):
        hub.download(replace(MODEL, hub_id="no//hub//id"), patience=PATIENT)


def test_progress_is_for_terminals(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serve(repository, MODEL.hub_id, MODEL.revision) as (endpoint, _):
        hub.download(MODEL, endpoint=endpoint, patience=PATIENT)
    assert capfd.readouterr() == ("", "")


def test_another_revision_in_the_cache_is_not_taken(repository: Path) -> None:
    other = replace(MODEL, revision="0" * 40)
    with serve(repository, MODEL.hub_id, other.revision) as (endpoint, _):
        hub.download(other, endpoint=endpoint, patience=PATIENT)
    assert hub.cached(other) is not None
    assert hub.cached(MODEL) is None


def test_an_interrupted_download_is_not_taken_for_weights(repository: Path) -> None:
    with serve(repository, MODEL.hub_id, MODEL.revision) as (endpoint, _):
        folder = hub.download(MODEL, endpoint=endpoint, patience=PATIENT)
        (folder / "model.safetensors").unlink()
        assert hub.cached(MODEL) is None
        hub.download(MODEL, endpoint=endpoint, patience=PATIENT)
    assert hub.cached(MODEL) == folder


def test_a_hub_that_says_nothing_is_given_up(silent_endpoint: str) -> None:
    with pytest.raises(ModelUnavailableError, match=r"the hub (did not answer within 0\.2 s|cannot be used)"):
        hub.download(MODEL, endpoint=silent_endpoint, patience=0.2)


def test_the_wait_for_a_hub_is_a_second() -> None:
    assert hub.PROBE_SECONDS == 1.0


def test_a_hub_that_is_not_there_is_explained_with_every_way_out(silent_endpoint: str) -> None:
    port = int(silent_endpoint.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ModelUnavailableError, match=r"nomic-ai/CodeRankEmbed.*cannot be used") as caught:
        hub.download(MODEL, endpoint=f"http://127.0.0.1:{port}", patience=PATIENT)
    for way in (
        "coderank models pull coderank-embed",
        "--model all-minilm-l6-v2",
        "HF_HOME",
        "HF_ENDPOINT",
        "HTTPS_PROXY",
    ):
        assert way in caught.value.remedy


def test_a_hub_without_the_repository_is_explained(repository: Path) -> None:
    with (
        serve(repository, "somebody/else", MODEL.revision) as (endpoint, _),
        pytest.raises(ModelUnavailableError, match="the hub cannot be used: 404"),
    ):
        hub.download(MODEL, endpoint=endpoint, patience=PATIENT)


def test_offline_mode_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailableError, match="HF_HUB_OFFLINE"):
        hub.download(MODEL, endpoint="http://127.0.0.1:9", patience=PATIENT)


def test_without_downloads_the_hub_is_not_asked() -> None:
    with pytest.raises(ModelUnavailableError, match=r"downloads are off.*coderank models pull coderank-embed"):
        locate(MODEL, download=False)


def test_a_given_folder_comes_before_the_hub(repository: Path) -> None:
    assert locate(MODEL, folder=repository).folder == repository


def test_a_model_of_the_users_names_its_folder(repository: Path) -> None:
    model = replace(MODEL, weights="folder", folder=str(repository), hub_id="")
    assert locate(model).folder == repository
    assert on_disk(model)
    assert not on_disk(replace(model, folder=str(repository / "nothing")))
