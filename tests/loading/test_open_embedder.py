"""Which back end, file and setting an embedder is opened with; needs no torch."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.hub_layout import Shape, write_nomic_bert, write_tokenizer
from tests.static_table import random_table, write_table
from tests.tiny_graph import table, write_lookup

from coderank.embedding.calibration import Calibration, Measurement, Option, remember
from coderank.embedding.onnx import OnnxEmbedder
from coderank.embedding.static import StaticEmbedder
from coderank.errors import ConfigurationError, ModelUnavailableError
from coderank.loading.calibration import FILE, calibrate_exports, current_machine, key_of, known_calibration
from coderank.loading.choice import described_embedder
from coderank.loading.embedder import STATIC_FILE, Loading, open_embedder, with_max_tokens
from coderank.models.catalogue import Model, cut, get
from coderank.models.exported import Export, Precision, Record, digest, find, folder_of, write_record
from coderank.settings import Settings

MODEL = replace(get("coderank-embed"), dimension=8)
MINILM = get("all-minilm-l6-v2")
HAS_TORCH = importlib.util.find_spec("torch") is not None


def loading(tmp_path: Path, **changes: object) -> Loading:
    base = Loading(exports=tmp_path / "exports", cache=tmp_path / "cache", device="cpu", download=False)
    return replace(base, **changes)  # type: ignore[arg-type]


def exported(tmp_path: Path, *precisions: Precision) -> list[Export]:
    """Exports that tell their precision: each looks a token up in a table of its own."""
    folder = folder_of(tmp_path / "exports", MODEL)
    folder.mkdir(parents=True)
    write_tokenizer(folder / "tokenizer.json", leftover_truncation=4)
    for place, precision in enumerate(precisions):
        path = write_lookup(folder / f"{precision}.onnx", np.roll(table(8), place, axis=1))
        record = Record(
            model=MODEL.name,
            revision=MODEL.revision,
            precision=precision,
            min_cosine=1.0,
            probes=1,
            file=path.name,
            bytes=path.stat().st_size,
            sha256=digest(path),
            origin="export",
            versions={},
        )
        write_record(folder, record)
    return find(tmp_path / "exports", MODEL)


def file_behind(embedder: object, exports: list[Export]) -> str:
    """Which export gives the vectors of this embedder."""
    assert isinstance(embedder, OnnxEmbedder)
    vector = embedder.embed_query("cache")
    same = {
        export.record.precision: OnnxEmbedder(MODEL, export.path, tokenizer=export.tokenizer).embed_query("cache")
        for export in exports
    }
    (precision,) = [name for name, other in same.items() if np.allclose(vector, other, atol=1e-6)]
    return precision


def test_bundled_weights_need_nothing(tmp_path: Path) -> None:
    embedder = open_embedder(MINILM, loading(tmp_path))
    assert embedder.embed_query("cache").shape == (384,)


def test_eight_bits_come_first_where_nothing_was_measured(tmp_path: Path) -> None:
    exports = exported(tmp_path, "fp32", "int8")
    assert file_behind(open_embedder(MODEL, loading(tmp_path)), exports) == "int8"


def test_what_was_measured_here_decides(tmp_path: Path) -> None:
    exports = exported(tmp_path, "fp32", "int8")
    slow, fast = Measurement(Option("int8", 2), 9.0, 9.0), Measurement(Option("fp32", 1), 1.0, 1.0)
    remember(tmp_path / "cache" / FILE, key_of(MODEL, exports), Calibration(current_machine(), (fast, slow)))
    assert file_behind(open_embedder(MODEL, loading(tmp_path)), exports) == "fp32"


def test_what_was_measured_elsewhere_does_not(tmp_path: Path) -> None:
    exports = exported(tmp_path, "fp32", "int8")
    fast = Measurement(Option("fp32", 1), 1.0, 1.0)
    remember(tmp_path / "cache" / FILE, key_of(MODEL, exports), Calibration("another machine", (fast,)))
    assert file_behind(open_embedder(MODEL, loading(tmp_path)), exports) == "int8"


def test_a_chosen_precision_decides_before_all(tmp_path: Path) -> None:
    exports = exported(tmp_path, "fp32", "int8")
    assert file_behind(open_embedder(MODEL, loading(tmp_path, precision="fp32")), exports) == "fp32"


def test_exports_are_calibrated_and_remembered(tmp_path: Path) -> None:
    exports = exported(tmp_path, "fp32", "int8")
    assert known_calibration(MODEL, exports, tmp_path / "cache") is None
    found = calibrate_exports(MODEL, exports, tmp_path / "cache")
    assert {one.option.precision for one in found.measurements} == {"fp32", "int8"}
    assert known_calibration(MODEL, exports, tmp_path / "cache") == found
    assert known_calibration(MODEL, exports[:1], tmp_path / "cache") is None


def test_the_leftover_truncation_of_a_tokenizer_does_not_count(tmp_path: Path) -> None:
    exported(tmp_path, "fp32")
    embedder = open_embedder(replace(MODEL, pooling="mean"), loading(tmp_path))
    short, long = embedder.embed_documents(["a b c d", "a b c d " + "and all the rest " * 9])
    assert np.abs(short - long).max() > 0.01


@pytest.mark.parametrize("tokens", [-1, 8193])
def test_more_tokens_than_there_are_positions_are_refused(tmp_path: Path, tokens: int) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot read {tokens} tokens.*from 1 to 8192"):
        open_embedder(MODEL, loading(tmp_path, max_tokens=tokens))


def test_a_cut_model_gives_the_first_numbers_of_the_whole_vectors(tmp_path: Path) -> None:
    whole = open_embedder(MINILM, loading(tmp_path))
    short = open_embedder(cut(MINILM, 128), loading(tmp_path))
    assert (short.name, short.dimension) == ("all-minilm-l6-v2-128", 128)
    texts = ["def add(a, b):\n    return a + b", "class Cache: ..."]
    wanted = whole.embed_documents(texts)[:, :128]
    np.testing.assert_allclose(
        short.embed_documents(texts), wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6
    )
    query = whole.embed_query("sum")[:128]
    np.testing.assert_allclose(short.embed_query("sum"), query / np.linalg.norm(query), atol=1e-6)
    assert short.embed_documents([]).shape == (0, 128)


def test_the_dimension_of_a_description_chooses_the_cut_model(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path)
    assert described_embedder("coderank-mini", 256, "here", settings) is get("coderank-mini-256")
    assert described_embedder("coderank-mini", 384, "here", settings) is get("coderank-mini")
    with pytest.raises(ConfigurationError, match="coderank-mini makes 384"):
        described_embedder("coderank-mini", 200, "here", settings)
    read = replace(settings, max_tokens=64)
    assert described_embedder("coderank-mini", 128, "here", read).space.endswith("+64t")


def test_the_number_of_tokens_can_be_chosen() -> None:
    assert with_max_tokens(MODEL, 0) is MODEL
    assert with_max_tokens(MODEL, 2048).max_tokens == 2048


@pytest.mark.parametrize(
    ("model", "changes", "complaint"),
    [
        (MINILM, {"backend": "torch"}, "does not run on torch.*Choose from: onnx"),
        (get("nomic-embed-code"), {"backend": "onnx"}, "does not run on onnx.*Choose from: torch"),
        (MODEL, {"backend": "torch", "precision": "int8"}, "torch does not compute in int8"),
        (MODEL, {"backend": "onnx", "precision": "fp16"}, "onnx does not compute in fp16"),
    ],
)
def test_what_a_model_has_not_is_refused(
    tmp_path: Path, model: Model, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        open_embedder(model, loading(tmp_path, **changes))


def test_a_missing_export_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="no int8 ONNX file") as caught:
        open_embedder(MODEL, loading(tmp_path, precision="int8"))
    assert "coderank models export coderank-embed --precision int8" in caught.value.remedy
    with pytest.raises(ModelUnavailableError, match=r"no ONNX file of .*models export coderank-embed,"):
        open_embedder(MODEL, loading(tmp_path, backend="onnx"))


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed")
def test_without_export_and_torch_both_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="torch is not installed") as caught:
        open_embedder(MODEL, loading(tmp_path))
    assert "pip install 'coderank[torch]'" in caught.value.remedy
    assert "--model all-minilm-l6-v2" in caught.value.remedy
    with pytest.raises(ModelUnavailableError, match="nomic-embed-code runs on torch, which is not installed"):
        open_embedder(get("nomic-embed-code"), loading(tmp_path))


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed: pip install 'coderank[torch]'")
@pytest.mark.parametrize("device", ["cpu", "cpu,cpu"])
def test_a_folder_is_opened_with_torch(tmp_path: Path, device: str) -> None:
    shape = Shape()
    write_nomic_bert(tmp_path / "weights", shape)
    model = replace(MODEL, dimension=shape.hidden, layers=shape.layers)
    embedder = open_embedder(model, loading(tmp_path, folder=tmp_path / "weights", device=device))
    assert embedder.embed_documents(["cache", "retry"]).shape == (2, shape.hidden)
    close = getattr(embedder, "close", None)
    assert (close is not None) == ("," in device)
    if close:
        close()


def test_a_static_model_is_a_table_in_its_folder_whatever_back_end_is_set(tmp_path: Path) -> None:
    model = replace(MINILM, name="table", weights="folder", folder=str(tmp_path), backends=("static",), dimension=8)
    with pytest.raises(ModelUnavailableError, match=f"no table of table at {tmp_path}"):
        open_embedder(model, loading(tmp_path))
    table_ = random_table(8)
    write_table(tmp_path / STATIC_FILE, table_)
    embedder = open_embedder(model, loading(tmp_path, backend="onnx", precision="int8"))
    expected = StaticEmbedder("table", 8, model.max_tokens, lambda: table_).embed_query("some code")
    np.testing.assert_array_equal(embedder.embed_query("some code"), expected)
