"""``coderank models export`` where torch is installed: what it says, and what a search then finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.hub_layout import Shape, write_nomic_bert

from coderank.cli.main import cli
from coderank.errors import ModelError
from coderank.models.exported import MIN_COSINE, find
from coderank.models.user import load_models

pytest.importorskip("torch", reason="torch is not installed: pip install 'coderank[torch]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'coderank[torch]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'coderank[torch]'")

SHAPE = Shape(hidden=64, layers=2, heads=4, inner=128)
TINY = f"""
[models.tiny]
folder = "FOLDER"
revision = "1"
dimension = {SHAPE.hidden}
layers = {SHAPE.layers}
pooling = "cls"
max_tokens = 512
max_tokens_limit = {SHAPE.positions}
backends = ["onnx", "torch"]
"""


@pytest.fixture(autouse=True)
def model_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_nomic_bert(tmp_path / "weights", SHAPE)
    path = tmp_path / "models.toml"
    path.write_text(TINY.replace("FOLDER", str(tmp_path / "weights")), "utf-8")
    monkeypatch.setenv("CODERANK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CODERANK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CODERANK_MODELS_FILE", str(path))
    return path


def export(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["models", "export", "tiny", *arguments])


def facts(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.exception
    return {line[:12].strip(): line[12:] for line in result.stdout.splitlines()}


def test_a_chosen_precision_is_written_measured_and_reported(tmp_path: Path, model_file: Path) -> None:
    shown = facts(export("--precision", "fp32"))
    (model,) = load_models(model_file)
    (written,) = find(tmp_path / "data" / "exports", model)
    assert shown["precision"] == "fp32"
    assert shown["cosine"] == f"1.0000 at least, to torch in fp32, over {written.record.probes} probes"
    assert " ms a query, " in shown["speed"]
    assert "(fp32, " in shown["speed"]
    assert shown["file"] == str(written.path)
    assert shown["next"] == "coderank index --model tiny"
    listed = CliRunner().invoke(cli, ["models", "list"]).stdout
    assert "exported (fp32, 1.000)\n" in listed


def test_auto_keeps_one_file(tmp_path: Path, model_file: Path) -> None:
    shown = facts(export())
    (model,) = load_models(model_file)
    (kept,) = find(tmp_path / "data" / "exports", model)
    assert shown["precision"] == kept.record.precision
    assert kept.record.min_cosine >= MIN_COSINE[kept.record.precision]


def test_a_file_of_others_is_adopted_or_refused(tmp_path: Path) -> None:
    written = Path(facts(export("--precision", "fp32"))["file"])
    foreign = written.rename(tmp_path / "foreign.onnx")
    assert facts(export("--precision", "fp32", "--adopt", str(foreign)))["precision"] == "fp32"
    write_nomic_bert(tmp_path / "other", SHAPE, seed=9)
    refused = export("--precision", "int8", "--folder", str(tmp_path / "other"), "--adopt", str(foreign))
    assert isinstance(refused.exception, ModelError)
    assert "the int8 file of tiny drifts" in refused.exception.message
    assert refused.exception.remedy == "Use a higher precision: coderank models export tiny --precision fp32"
