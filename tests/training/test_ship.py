"""Trained weights become files of the package of weights, with a manifest that names them."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.training.test_encoder_graph import SHAPE, random_tensors
from training.bundle import written

from coderank.models import catalogue
from coderank.models.bundled import read_manifest
from training import ship


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"models": []}')
    return folder


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder of trained weights in the hub's layout."""
    folder = tmp_path / "trained"
    folder.mkdir()
    save_file(random_tensors(), folder / "model.safetensors")
    sizes = {"hidden_size": SHAPE.hidden, "num_attention_heads": SHAPE.heads, "num_hidden_layers": SHAPE.layers}
    (folder / "config.json").write_text(json.dumps(sizes | {"layer_norm_eps": SHAPE.epsilon}))
    return folder


def test_a_folder_becomes_a_graph_and_an_entry(
    package: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship.main(["coderank-mini-rerank", str(trained), "--package", str(package)])
    (entry,) = read_manifest(package).models
    data = (package / "coderank-mini-rerank.onnx").read_bytes()
    assert data == written(trained, tmp_path / "wanted.onnx")
    assert (entry.name, entry.file, entry.size) == ("coderank-mini-rerank", "coderank-mini-rerank.onnx", len(data))
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    command = capsys.readouterr().out.splitlines()[1]
    copy = tmp_path / "catalogue.py"
    copy.write_text(Path(catalogue.__file__).read_text("utf-8"))
    subprocess.run(command.replace("src/coderank/models/catalogue.py", str(copy)), shell=True, check=True)
    changed = set(copy.read_text().splitlines()) - set(Path(catalogue.__file__).read_text("utf-8").splitlines())
    assert [line.strip() for line in changed] == [f'revision="{entry.sha256[:12]}",']
    compile(copy.read_text(), "catalogue.py", "exec")


def test_a_new_file_takes_the_place_of_the_old_one(package: Path, trained: Path, tmp_path: Path) -> None:
    ship.ship("coderank-mini", trained, "1", package)
    file = tmp_path / "table.safetensors"
    save_file({"table": np.ones(4, np.int8)}, file)
    entry = ship.ship("coderank-mini", file, "2", package)
    assert read_manifest(package).models == (entry,)
    assert (entry.version, entry.file) == ("2", "coderank-mini.safetensors")
    assert sorted(path.name for path in package.iterdir()) == ["coderank-mini.safetensors", "manifest.json"]


def test_a_package_that_grows_too_large_stays_as_it_was(
    package: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ship.ship("coderank-mini", trained, "1", package)
    monkeypatch.setattr(ship, "LIMIT", first.size + 1)
    with pytest.raises(SystemExit, match=f"all together .* of at most {first.size + 1:,}"):
        ship.ship("coderank-mini-rerank", trained, "1", package)
    assert read_manifest(package).models == (first,)
    assert sorted(path.name for path in package.iterdir()) == ["coderank-mini.onnx", "manifest.json"]


def test_a_name_that_is_not_bundled_is_refused(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ship.main(["coderank-embed", str(trained)])
    assert "invalid choice: 'coderank-embed'" in capsys.readouterr().err
