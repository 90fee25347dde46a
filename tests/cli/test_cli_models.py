"""``coderank models``: what is listed, pulled and refused; exports are tested where torch is."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import click
import huggingface_hub.constants
import pytest
from click.testing import CliRunner, Result
from tests.cli.conftest import World
from tests.hub_layout import Shape, write_nomic_bert, write_tokenizer
from tests.models.hub_server import serve
from tests.onnx_bytes import text
from tests.tiny_graph import table, write_lookup

from coderank.cli.main import cli
from coderank.cli.model_table import lines
from coderank.cli.models import models
from coderank.errors import ConfigurationError, ModelNotFoundError, ModelUnavailableError, UsageError
from coderank.models import hub
from coderank.models.bundled import is_here
from coderank.models.catalogue import MODELS, Model, get
from coderank.models.exported import Export, Precision, Record, digest, folder_of, write_record
from coderank.models.places import Place, places

SHAPE = Shape()
CODERANK_EMBED = get("coderank-embed")
OWN = f"""
[models.tiny]
hub_id = "us/tiny"
revision = "{"a" * 40}"
dimension = {SHAPE.hidden}
layers = {SHAPE.layers}
pooling = "cls"
max_tokens = 512
max_tokens_limit = {SHAPE.positions}
query_prefix = "Represent this query for searching relevant code: "
backends = ["onnx", "torch"]

[models.local]
folder = "FOLDER"
revision = "1"
dimension = 8
pooling = "mean"
max_tokens = 64

[models.pairs]
kind = "reranker"
hub_id = "us/pairs"
revision = "{"b" * 40}"
dimension = 0
pooling = "cls"
max_tokens = 512
backends = ["onnx"]
"""
PATIENT = 30.0
"""Seconds: a busy machine must not fail a test."""


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has nothing yet but a file with three models of the user's."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    (tmp_path / "weights").mkdir()
    (tmp_path / "models.toml").write_text(OWN.replace("FOLDER", str(tmp_path / "weights")), "utf-8")
    monkeypatch.setenv("CODERANK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CODERANK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CODERANK_MODELS_FILE", str(tmp_path / "models.toml"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that has us/tiny; gives the files it was asked for."""
    write_nomic_bert(tmp_path / "repository", SHAPE)
    with serve(tmp_path / "repository", "us/tiny", "a" * 40) as (endpoint, asked):
        monkeypatch.setattr(hub, "download", partial(hub.download, endpoint=endpoint, patience=PATIENT))
        yield asked


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["models", *arguments])


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def doctor_says_of(model: str) -> dict[str, str]:
    """The finding of the doctor on a model."""
    shown = CliRunner().invoke(cli, ["doctor", "--model", model, "--format", "json"]).stdout
    (finding,) = (check for check in json.loads(shown)["checks"] if check["name"] == "model")
    return cast("dict[str, str]", finding)


def shipped(name: str) -> str:
    """What the list says of a model whose weights come with coderank, where this checkout has them."""
    return "bundled" if is_here(get(name)) else "not on this machine"


def write_export(root: Path, model: Model, precision: Precision, min_cosine: float) -> Export:
    """An export as the real code records it, around a graph that looks tokens up."""
    folder = folder_of(root, model)
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json", leftover_truncation=4)
    path = write_lookup(folder / f"{precision}.onnx", table(8))
    record = Record(
        model=model.name,
        revision=model.revision,
        precision=precision,
        min_cosine=min_cosine,
        probes=26,
        file=path.name,
        bytes=path.stat().st_size,
        sha256=digest(path),
        origin="export",
        versions={},
    )
    return write_record(folder, record)


class TestList:
    def test_every_model_is_a_row_and_columns_are_aligned(self, tmp_path: Path) -> None:
        shown = done("list")
        assert shown == (
            "embedder                dim  licence     back ends        weights\n"
            "coderank-embed          768  MIT         onnx, torch      not on this machine\n"
            "nomic-embed-code       3584  Apache-2.0  torch            not on this machine\n"
            f"coderank-mini           384  Apache-2.0  onnx             {shipped('coderank-mini')}\n"
            f"coderank-mini-256       256  Apache-2.0  onnx             {shipped('coderank-mini')}\n"
            f"coderank-mini-128       128  Apache-2.0  onnx             {shipped('coderank-mini')}\n"
            f"coderank-static         256  Apache-2.0  static           {shipped('coderank-static')}\n"
            "all-minilm-l6-v2        384  Apache-2.0  onnx             bundled\n"
            "tiny                     32  unknown     onnx, torch      not on this machine\n"
            f"local                     8  unknown     torch            {tmp_path / 'weights'}\n"
            "\n"
            "reranker                dim  licence     back ends        weights\n"
            "coderank-llm              -  MIT         endpoint, torch  not on this machine\n"
            f"coderank-mini-rerank      -  Apache-2.0  onnx             {shipped('coderank-mini-rerank')}\n"
            "ms-marco-minilm-l6-v2     -  Apache-2.0  onnx, torch      not on this machine\n"
            "pairs                     -  unknown     onnx             not on this machine\n"
        )

    def test_exports_are_listed_with_their_drift_before_the_weights(self, tmp_path: Path, answering: list[str]) -> None:
        done("pull", "tiny")
        tiny = next(model for model in _users(tmp_path) if model.name == "tiny")
        for precision, cosine in (("fp32", 0.99999), ("int8", 0.9951)):
            write_export(tmp_path / "data" / "exports", tiny, precision, cosine)  # type: ignore[arg-type]
        rows = done("list").split("\n")
        at = next(number for number, row in enumerate(rows) if row.startswith("tiny"))
        column = rows[0].index("weights")
        assert [row[column:] for row in rows[at : at + 3]] == [
            "exported (fp32, 1.000)",
            "exported (int8, 0.995)",
            "in the hub's cache",
        ]
        assert not rows[at + 1][:column].strip()

    def test_json_carries_what_a_program_needs(self, tmp_path: Path) -> None:
        export = write_export(tmp_path / "data" / "exports", CODERANK_EMBED, "int8", 0.9951)
        listed = {model["name"]: model for model in json.loads(done("list", "--format", "json"))["models"]}
        assert list(listed)[: len(MODELS)] == [model.name for model in MODELS]
        assert listed["coderank-embed"] == {
            "name": "coderank-embed",
            "kind": "embedder",
            "hub_id": "nomic-ai/CodeRankEmbed",
            "revision": CODERANK_EMBED.revision,
            "dimension": 768,
            "max_tokens": 512,
            "licence": "MIT",
            "backends": ["onnx", "torch"],
            "source": "hub",
            "exportable": True,
            "places": [
                {
                    "kind": "export",
                    "path": str(export.path),
                    "precision": "int8",
                    "min_cosine": 0.9951,
                    "probes": 26,
                    "bytes": export.record.bytes,
                }
            ],
        }
        assert listed["local"]["places"] == [{"kind": "folder", "path": str(tmp_path / "weights")}]
        assert [listed[name]["exportable"] for name in ("nomic-embed-code", "ms-marco-minilm-l6-v2")] == [False, False]

    def test_nothing_is_asked_and_no_library_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the network was asked"))
        assert "coderank-embed" in done("list")

    @pytest.mark.parametrize("width", [80, 200])
    def test_no_line_is_wider_than_the_screen(self, width: int) -> None:
        long = Path("/weights") / ("x" * 100)
        found = [(model, [Place("folder", long)] if model.dimension == 384 else []) for model in MODELS]
        shown = "\n".join(lines(found, width)).split("\n")
        assert all(len(line) <= width for line in shown if str(long) not in line)
        assert (f"    {long}" in shown) == (width == 80)
        assert all(len(line) <= 80 for line in lines([(model, []) for model in MODELS], 80))

    def test_a_damaged_model_does_not_hide_the_others(self, tmp_path: Path, answering: list[str]) -> None:
        done("pull", "tiny")
        (snapshot,) = (tmp_path / "hub").glob("models--us--tiny/snapshots/*")
        (snapshot / "model.safetensors.index.json").write_text("{")
        assert "tiny                     32  unknown     onnx, torch      not on this machine\n" in done("list")

    def test_a_users_model_may_not_take_a_name(self, tmp_path: Path) -> None:
        path = tmp_path / "models.toml"
        path.write_text(path.read_text("utf-8").replace("models.tiny", "models.coderank-embed"), "utf-8")
        result = run("list")
        assert isinstance(result.exception, ConfigurationError)
        assert "'coderank-embed', which is a built-in model" in result.exception.message


class TestPull:
    def test_weights_are_downloaded_checked_and_found(self, tmp_path: Path, answering: list[str]) -> None:
        shown = _facts(done("pull", "tiny"))
        assert "model.safetensors" in answering
        assert Path(shown["weights"]).is_dir()
        assert shown["next"] == "coderank models export tiny"
        answering.clear()
        assert _facts(done("pull", "TINY"))["weights"] == f"{shown['weights']}  (were here)"
        assert answering == []

    def test_other_weights_than_described_are_refused(self, tmp_path: Path, answering: list[str]) -> None:
        path = tmp_path / "models.toml"
        path.write_text(path.read_text("utf-8").replace('pooling = "cls"', 'pooling = "last"'), "utf-8")
        result = run("pull", "tiny")
        assert isinstance(result.exception, ModelUnavailableError)
        assert "asks for cls pooling instead of last" in result.exception.message

    def test_a_prompt_that_is_not_the_authors_is_said_by_pull_and_doctor(
        self, tmp_path: Path, answering: list[str]
    ) -> None:
        path = tmp_path / "models.toml"
        path.write_text(path.read_text("utf-8").replace("Represent this query", "Present this query"), "utf-8")
        shown = _facts(done("pull", "tiny"))
        assert "has the query prompt 'Represent this query for searching relevant code: '" in shown["note"]
        assert "tiny is used with 'Present this query for" in shown["note"]
        model = doctor_says_of("tiny")
        assert model["status"] == "warn"
        assert shown["note"] in model["detail"]

    def test_doctor_says_that_weights_are_missing(self) -> None:
        checks = json.loads(CliRunner().invoke(cli, ["doctor", "--model", "local", "--format", "json"]).stdout)[
            "checks"
        ]
        (model,) = (check for check in checks if check["name"] == "model")
        assert (model["status"], "lacks config.json" in model["detail"]) == ("warn", True)

    def test_doctor_tries_the_model_that_was_exported(self, tmp_path: Path) -> None:
        """Its graph looks tokens up, eight numbers for each, which the self-test finds out."""
        write_export(tmp_path / "data" / "exports", CODERANK_EMBED, "int8", 0.99)
        shown = CliRunner().invoke(cli, ["doctor", "--format", "json"])
        (trial,) = (check for check in json.loads(shown.stdout)["checks"] if check["name"] == "self-test")
        assert trial["detail"] == "the weights of coderank-embed give vectors of 8 numbers instead of 768"
        assert shown.exit_code == 1
        assert not (tmp_path / "data" / "indexes").exists()

    @pytest.mark.parametrize(
        ("name", "following"),
        [
            ("pairs", "CODERANK_RERANK_FOLDER={} coderank search --rerank"),
            ("ms-marco-minilm-l6-v2", "coderank search --rerank"),
            ("coderank-llm", "CODERANK_RERANK_LLM={} coderank search --rerank"),
        ],
    )
    def test_a_reranker_is_pulled_with_what_uses_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, following: str
    ) -> None:
        model = next(model for model in _users(tmp_path) if model.name == name)
        repository = tmp_path / "repository"
        write_nomic_bert(repository, SHAPE)
        (repository / "onnx").mkdir()
        (repository / "onnx" / "model.onnx").write_bytes(text(1, "a graph"))
        with serve(repository, model.hub_id, model.revision) as (endpoint, _):
            monkeypatch.setattr(hub, "download", partial(hub.download, endpoint=endpoint, patience=PATIENT))
            shown = _facts(done("pull", name))
        assert shown["next"] == following.format(shown["weights"])
        assert places(model, tmp_path / "exports") == [Place("hub", Path(shown["weights"]))]

    @pytest.mark.parametrize(("name", "said"), [("all-minilm-l6-v2", "bundled"), ("local", "a folder of yours")])
    def test_what_is_here_anyway_needs_no_download(self, name: str, said: str) -> None:
        shown = done("pull", name)
        assert said in shown
        assert "there is nothing to download" in shown

    def test_an_unknown_name_is_answered_with_all(self) -> None:
        result = run("pull", "coderank-embd")
        assert isinstance(result.exception, ModelNotFoundError)
        assert "Did you mean coderank-embed?" in result.exception.remedy
        assert "coderank models list" in result.exception.remedy

    @pytest.mark.parametrize("variable", ["HF_ENDPOINT", "HF_HUB_OFFLINE"])
    def test_without_a_hub_the_command_says_so_in_one_line(self, world: World, variable: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        value = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HUB_OFFLINE": "1"}[variable]
        ended = world.having(variable, value).run("models", "pull", "coderank-embed", HF_HOME=str(world.repo))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.count("\n") == 1
        assert ended.stderr.startswith("coderank: the weights of coderank-embed (nomic-ai/CodeRankEmbed) are not on")
        assert "HF_HOME" in ended.stderr

    def test_a_hub_that_says_nothing_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
            monkeypatch.setattr(hub, "download", partial(hub.download, endpoint=endpoint))
            result = run("pull", "tiny")
        assert isinstance(result.exception, ModelUnavailableError)
        assert "the hub" in result.exception.message


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
class TestExportWithoutTorch:
    def test_the_remedy_comes_before_any_download(self, answering: list[str]) -> None:
        result = run("export", "tiny")
        assert isinstance(result.exception, ModelUnavailableError)
        assert result.exception.remedy == "Run: pip install 'coderank[torch]'"
        assert answering == []


class TestExport:
    @pytest.mark.parametrize("name", ["nomic-embed-code", "all-minilm-l6-v2", "ms-marco-minilm-l6-v2", "coderank-llm"])
    def test_what_cannot_be_exported_is_refused(self, name: str) -> None:
        result = run("export", name)
        assert isinstance(result.exception, ConfigurationError)
        assert f"{name} cannot be exported" in result.exception.message

    def test_a_file_is_adopted_only_in_a_named_precision(self, tmp_path: Path) -> None:
        (tmp_path / "some.onnx").touch()
        result = run("export", "tiny", "--adopt", str(tmp_path / "some.onnx"))
        assert isinstance(result.exception, UsageError)
        assert "--precision" in result.exception.remedy

    def test_a_file_that_is_not_there_is_wrong_usage(self) -> None:
        assert run("export", "tiny", "--precision", "fp32", "--adopt", "nothing.onnx").exit_code == 2


@pytest.mark.parametrize("name", sorted(models.commands))
def test_every_option_is_explained(name: str) -> None:
    command = models.commands[name]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def _users(tmp_path: Path) -> tuple[Model, ...]:
    from coderank.models.user import load_models

    return (*load_models(tmp_path / "models.toml"), *MODELS)


def _facts(shown: str) -> dict[str, str]:
    return {line[:12].strip(): line[12:] for line in shown.splitlines()}
