"""``coderank models``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli import options
from coderank.errors import ModelNotFoundError, UsageError

if TYPE_CHECKING:
    from coderank.embedding.calibration import Calibration
    from coderank.loading.export import ExportPrecision
    from coderank.models.catalogue import Model
    from coderank.models.exported import Export
    from coderank.settings import Settings

_PRECISIONS = ("auto", "fp32", "bf16", "int8")
_LABEL_COLUMNS = 12


class _InOrder(click.Group):
    """Lists commands in the order they are needed in."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(cls=_InOrder, short_help="List, download and export models.")
def models() -> None:
    """List the models there are, download their weights, and export them for ONNX Runtime."""


@models.command("list", short_help="List the models and where their weights are.")
@options.output_format
def list_models(output_format: str) -> None:
    """List every model, those of CODERANK_MODELS_FILE included, and where its weights are. Asks no network."""
    from coderank.cli.model_table import lines, screen_width, to_json  # noqa: PLC0415 - not needed to print help
    from coderank.cli.output import write_json  # noqa: PLC0415
    from coderank.loading.opened import EXPORTS  # noqa: PLC0415
    from coderank.models.places import places  # noqa: PLC0415
    from coderank.models.user import catalogue_of  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    found = [(model, places(model, settings.data_dir / EXPORTS)) for model in catalogue_of(settings)]
    if output_format == "json":
        write_json(to_json(found))
    else:
        for line in lines(found, screen_width()):
            click.echo(line)


@models.command(short_help="Download the weights of a model.")
@click.argument("name")
def pull(name: str) -> None:
    """Download the weights of the model NAME from the Hugging Face hub, at the revision that the catalogue names.

    A download that was interrupted goes on. HF_HOME says where the files go, HF_ENDPOINT which hub they come from.
    """
    from coderank.models import hub  # noqa: PLC0415 - not needed to print help
    from coderank.models.layout import inspect  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    model = _named(name, Settings.from_environment())
    if model.weights != "hub":
        _report({"model": model.name, "weights": _without_download(model)})
        return
    here = hub.cached(model)
    folder = here or hub.download(model)
    facts = {"model": model.name, "weights": f"{folder}{'  (were here)' if here else ''}"}
    if model.kind == "embedder" and (notes := inspect(folder, model).notes):
        facts["note"] = "; ".join(notes)
    _report(facts | {"next": _next(model, folder)})


@models.command(short_help="Write the ONNX file of a model, checked against torch.")
@click.argument("name")
@click.option(
    "--precision",
    type=click.Choice(_PRECISIONS),
    default="auto",
    show_default=True,
    help="Of the file; auto keeps the one that is faster here, fp32 or int8.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Take the torch weights from here, in the layout of the hub's repository.",
)
@click.option(
    "--adopt",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Take this ONNX file instead of writing one, if it passes the same check.",
)
def export(name: str, *, precision: ExportPrecision, folder: Path | None, adopt: Path | None) -> None:
    """Write the ONNX file of the model NAME, with which it runs on CPU without torch; needs 'coderank[torch]' itself.

    Weights that are not here are downloaded. A file whose vectors drift from those of torch is refused.
    """
    from coderank.loading.calibration import calibrate_exports, known_calibration  # noqa: PLC0415 - numpy
    from coderank.loading.opened import EXPORTS  # noqa: PLC0415
    from coderank.models.exported import find  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    model = _named(name, settings)
    written = _written(model, settings, precision, folder, adopt)
    exports = find(settings.data_dir / EXPORTS, model)
    known = known_calibration(model, exports, settings.cache_dir)
    if known is None:
        _say("measuring which is fastest here")
        known = calibrate_exports(model, exports, settings.cache_dir)
    _report(_facts(written, known))


def _named(name: str, settings: Settings) -> Model:
    from coderank.models.catalogue import get  # noqa: PLC0415 - not needed to print help
    from coderank.models.user import catalogue_of  # noqa: PLC0415

    try:
        return get(name, catalogue_of(settings))
    except ModelNotFoundError as error:
        raise ModelNotFoundError(error.message, f"{error.remedy}. All models: coderank models list") from error


def _without_download(model: Model) -> str:
    if model.weights == "bundled":
        return "bundled, there is nothing to download"
    return f"{model.folder}  (a folder of yours, there is nothing to download)"


def _next(model: Model, folder: Path) -> str:
    """The command that uses what was downloaded."""
    from coderank.models.exported import can_be_exported  # noqa: PLC0415

    if can_be_exported(model):
        return f"coderank models export {model.name}"
    if model.kind == "embedder":
        return f"coderank index --model {model.name}"
    if "onnx" not in model.backends:
        return f"CODERANK_RERANK_LLM={shlex.quote(str(folder))} coderank search --rerank"
    if model in _built_in():
        return "coderank search --rerank"
    return f"CODERANK_RERANK_FOLDER={shlex.quote(str(folder))} coderank search --rerank"


def _built_in() -> tuple[Model, ...]:
    from coderank.models.catalogue import MODELS  # noqa: PLC0415

    return MODELS


def _written(
    model: Model, settings: Settings, precision: ExportPrecision, folder: Path | None, adopt: Path | None
) -> Export:
    from coderank.loading.export import Exporter, export_model  # noqa: PLC0415 - numpy
    from coderank.loading.opened import EXPORTS  # noqa: PLC0415

    root = settings.data_dir / EXPORTS
    if adopt is None:
        return export_model(model, root, settings.cache_dir, precision=precision, folder=folder, on_step=_say)
    if precision == "auto":
        raise UsageError(f"The precision of {adopt} is not known", "Say it: --precision fp32, bf16 or int8")
    return Exporter(model, root, folder=folder).adopt(adopt, precision)


def _facts(export: Export, calibration: Calibration) -> dict[str, str]:
    from coderank.cli.output import size  # noqa: PLC0415 - not needed to print help

    record, best = export.record, calibration.measurements[0]
    return {
        "model": record.model,
        "precision": record.precision,
        "size": size(record.bytes),
        "cosine": f"{record.min_cosine:.4f} at least, to torch in fp32, over {record.probes} probes",
        "speed": f"{best.query_ms:.1f} ms a query, {best.document_ms:.1f} ms a chunk"
        f"  ({best.option.precision}, {best.option.threads} thread{'s' * (best.option.threads > 1)}: the fastest here)",
        "file": str(export.path),
        "next": f"coderank index --model {record.model}",
    }


def _report(facts: dict[str, str]) -> None:
    from coderank.render import visible  # noqa: PLC0415 - not needed to print help

    for label, value in facts.items():
        click.echo(f"{label:<{_LABEL_COLUMNS}}{visible(value)}")


def _say(step: str) -> None:
    """Tell who waits at a terminal what takes so long."""
    if sys.stderr.isatty():
        click.echo(f"{step} ...", err=True)
