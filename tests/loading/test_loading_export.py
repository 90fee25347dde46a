"""From random weights in the hub's layout to an ONNX file that is checked against torch."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.hub_layout import CODERANK_EMBED, Shape, write_nomic_bert

from coderank.embedding.calibration import Calibration
from coderank.errors import ConfigurationError, ModelError, ModelUnavailableError
from coderank.loading.calibration import known_calibration
from coderank.loading.embedder import Loading, open_embedder
from coderank.models.catalogue import get
from coderank.models.exported import MIN_COSINE, Export, find, folder_of

pytest.importorskip("torch", reason="torch is not installed: pip install 'coderank[torch]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'coderank[torch]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'coderank[torch]'")

from coderank.embedding.torch import TorchEmbedder, TorchWeights
from coderank.loading.export import Exporter, export_model
from coderank.models.export import write_onnx
from coderank.models.layout import inspect

SHAPE = Shape(hidden=64, layers=2, heads=4, inner=128)
MODEL = replace(get("coderank-embed"), dimension=SHAPE.hidden, layers=SHAPE.layers)
TEXTS = ["def read(path):\n    return open(path).read()", "", "x", "word " * 700, "größe 处理 🚀", "a b c d e f g"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_nomic_bert(folder, SHAPE)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def exports(weights: Path, root: Path) -> dict[str, Export]:
    exporter = Exporter(MODEL, root, folder=weights)
    return {precision: exporter.export(precision) for precision in ("fp32", "int8")}


def torch_vectors(weights: Path) -> np.ndarray:
    layout = inspect(weights, MODEL)
    return TorchEmbedder(MODEL, TorchWeights(layout.folder, layout.config), device="cpu").embed_documents(TEXTS)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_export_gives_the_vectors_of_torch(
    exports: dict[str, Export], weights: Path, root: Path, tmp_path: Path, precision: str
) -> None:
    loading = Loading(exports=root, cache=tmp_path, backend="onnx", precision=precision)  # type: ignore[arg-type]
    vectors = open_embedder(MODEL, loading).embed_documents(TEXTS)
    assert (vectors * torch_vectors(weights)).sum(axis=1).min() >= MIN_COSINE[exports[precision].record.precision]
    if precision == "fp32":
        assert np.abs(vectors - torch_vectors(weights)).max() <= 1e-4


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_export_is_recorded(exports: dict[str, Export], root: Path, precision: str) -> None:
    export = exports[precision]
    assert export in find(root, MODEL)
    assert export.path.stat().st_size == export.record.bytes
    assert MIN_COSINE[export.record.precision] <= export.record.min_cosine <= 1.00001
    assert (export.record.model, export.record.revision, export.record.origin) == (MODEL.name, MODEL.revision, "export")
    assert {"onnxruntime", "torch", "transformers"} <= set(export.record.versions)
    assert json.loads((export.path.parent / f"{precision}.json").read_text())["sha256"] == export.record.sha256


def test_8_bits_take_a_third_of_the_room(exports: dict[str, Export]) -> None:
    assert exports["int8"].record.bytes < exports["fp32"].record.bytes / 3


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_graph_has_the_operators_that_are_fast(exports: dict[str, Export], precision: str) -> None:
    import onnx

    operators = Counter(node.op_type for node in onnx.load(exports[precision].path).graph.node)
    assert (operators["Attention"], operators["RotaryEmbedding"]) == (SHAPE.layers, 2 * SHAPE.layers)
    assert operators["SkipLayerNormalization"] == 0
    assert operators["LayerNormalization"] == 1 + 2 * SHAPE.layers


def test_nothing_else_is_left_behind(exports: dict[str, Export], root: Path) -> None:
    names = {path.name for path in folder_of(root, MODEL).iterdir()}
    assert names == {"fp32.onnx", "fp32.json", "int8.onnx", "int8.json", "tokenizer.json"}


@pytest.mark.parametrize("damage", ["size", "record", "revision", "tokenizer"])
def test_a_file_that_does_not_fit_its_record_is_not_used(
    weights: Path, tmp_path: Path, exports: dict[str, Export], damage: str
) -> None:
    model = MODEL
    copy = folder_of(tmp_path, MODEL)
    copy.mkdir(parents=True)
    for path in exports["int8"].path.parent.glob("*"):
        if not path.name.startswith("fp32"):
            (copy / path.name).write_bytes(path.read_bytes())
    assert len(find(tmp_path, MODEL)) == 1
    if damage == "size":
        (copy / "int8.onnx").write_bytes(b"cut")
    elif damage == "record":
        (copy / "int8.json").write_text("{")
    elif damage == "tokenizer":
        (copy / "tokenizer.json").unlink()
    else:
        model = replace(MODEL, revision=MODEL.revision[:12] + "0" * 28)
    assert find(tmp_path, model) == []


def test_another_models_file_is_not_adopted(exports: dict[str, Export], tmp_path: Path) -> None:
    """What a file with another pooling or other weights gives points elsewhere."""
    other = tmp_path / "other"
    write_nomic_bert(other, SHAPE, seed=9)
    exporter = Exporter(MODEL, tmp_path / "exports", folder=other)
    with pytest.raises(ModelError, match="drifts from the torch weights: minimum cosine similarity"):
        exporter.adopt(exports["fp32"].path, "fp32")
    assert find(tmp_path / "exports", MODEL) == []


def test_what_a_killed_export_left_is_swept_after_a_day(weights: Path, tmp_path: Path) -> None:
    target = folder_of(tmp_path, MODEL)
    old, new = target / ".export-old", target / ".export-new"
    for place in (old, new):
        place.mkdir(parents=True)
        (place / "source.onnx").write_bytes(b"half")
    os.utime(old, (0, 0))
    with pytest.raises(ModelError):
        Exporter(MODEL, tmp_path, folder=weights).adopt(new / "source.onnx", "fp32")
    assert [path.name for path in target.iterdir()] == [".export-new"]


@pytest.mark.parametrize("refused", ["drifting", "damaged"])
def test_a_refused_file_leaves_the_one_that_is_there(weights: Path, tmp_path: Path, refused: str) -> None:
    """A file that is no good must not cost the one that was."""
    target = folder_of(tmp_path, MODEL)
    good = Exporter(MODEL, tmp_path, folder=weights).export("fp32")
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    bad = tmp_path / "bad.onnx"
    if refused == "damaged":
        bad.write_bytes(b"no graph")
    else:
        write_nomic_bert(tmp_path / "other", SHAPE, seed=9)
        other = Exporter(MODEL, tmp_path / "elsewhere", folder=tmp_path / "other").export("fp32")
        bad.write_bytes(other.path.read_bytes())
    with pytest.raises(ModelError):
        Exporter(MODEL, tmp_path, folder=weights).adopt(bad, "fp32")
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert find(tmp_path, MODEL) == [good]


def test_a_faithful_file_of_others_is_adopted(exports: dict[str, Export], weights: Path, tmp_path: Path) -> None:
    adopted = Exporter(MODEL, tmp_path, folder=weights).adopt(exports["fp32"].path, "fp32")
    assert adopted.record.origin == "fp32.onnx"
    assert adopted.record.min_cosine == pytest.approx(1.0, abs=1e-5)
    assert find(tmp_path, MODEL) == [adopted]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_a_file_that_pools_is_adopted_if_it_pools_as_the_authors_do(
    weights: Path, tmp_path: Path, pooling: str
) -> None:
    """Of the files that others exported, one gives the first token's vector, and several the mean of all."""
    layout = inspect(weights, MODEL)
    encoder = TorchEmbedder(MODEL, TorchWeights(layout.folder, layout.config), device="cpu").module
    write_onnx(pooled(encoder, pooling), tmp_path / "theirs.onnx")
    exporter = Exporter(MODEL, tmp_path / "exports", folder=weights)
    if pooling == "cls":
        assert exporter.adopt(tmp_path / "theirs.onnx", "fp32").record.min_cosine == pytest.approx(1.0, abs=1e-5)
    else:
        with pytest.raises(ModelError, match="drifts from the torch weights"):
            exporter.adopt(tmp_path / "theirs.onnx", "fp32")
    assert len(find(tmp_path / "exports", MODEL)) == (pooling == "cls")


def pooled(encoder: Any, pooling: str) -> Any:
    """The encoder with one vector of length one for a text as its output."""
    import torch

    class Pooled(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.rotary_emb = encoder, encoder.rotary_emb

        def forward(self, **inputs: Any) -> SimpleNamespace:
            hidden = self.encoder(**inputs).last_hidden_state
            mask = inputs["attention_mask"][:, :, None]
            vectors = hidden[:, 0] if pooling == "cls" else (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            return SimpleNamespace(last_hidden_state=torch.nn.functional.normalize(vectors))

    return Pooled()


def test_a_file_that_is_none_is_not_adopted(weights: Path, tmp_path: Path) -> None:
    exporter = Exporter(MODEL, tmp_path / "exports", folder=weights)
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelUnavailableError, match="cannot load the weights"):
        exporter.adopt(tmp_path / "no.onnx", "fp32")
    with pytest.raises(ConfigurationError, match="there is no file"):
        exporter.adopt(tmp_path / "nothing.onnx", "fp32")
    assert find(tmp_path / "exports", MODEL) == []


def test_auto_keeps_the_fastest_and_remembers_why(weights: Path, tmp_path: Path) -> None:
    kept = export_model(MODEL, tmp_path / "exports", tmp_path / "cache", folder=weights)
    assert find(tmp_path / "exports", MODEL) == [kept]
    calibration = known_calibration(MODEL, [kept], tmp_path / "cache")
    assert isinstance(calibration, Calibration)
    assert {one.option.precision for one in calibration.measurements} == {kept.record.precision}


def test_bf16_is_exported_where_the_runtime_computes_it(weights: Path, tmp_path: Path) -> None:
    """ONNX Runtime has few bf16 kernels for CPUs: either the file passes the check, or the refusal says so."""
    refusals = []
    try:
        export_model(MODEL, tmp_path, tmp_path / "cache", precision="bf16", folder=weights)
    except ModelUnavailableError as error:
        refusals.append(error.message)
    found = find(tmp_path, MODEL)
    assert all(export.record.min_cosine >= MIN_COSINE["bf16"] for export in found)
    assert len(found) + len(refusals) == 1
    assert all("does not compute in bf16 on this CPU" in refusal for refusal in refusals)


@pytest.mark.parametrize("name", ["nomic-embed-code", "all-minilm-l6-v2"])
def test_what_does_not_run_on_onnx_or_is_bundled_is_not_exported(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} cannot be exported"):
        Exporter(get(name), tmp_path)


@pytest.mark.slow
def test_the_exact_shape_of_coderank_embed(tmp_path: Path) -> None:
    write_nomic_bert(tmp_path / "weights", CODERANK_EMBED)
    export = Exporter(get("coderank-embed"), tmp_path, folder=tmp_path / "weights").export("int8")
    assert export.record.min_cosine >= MIN_COSINE["int8"]
    assert export.record.bytes < 150_000_000
