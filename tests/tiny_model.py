"""Embedding models that cost no weights: every token has a random vector, a text their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub_layout import write_tokenizer
from tests.tiny_graph import table, write_lookup

from coderank.models.exported import Record, digest, folder_of, write_record
from coderank.models.user import load_models
from coderank.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coderank.models.catalogue import Model

DIMENSIONS = {"tiny": 32, "small": 16}
"""Names of the models, and the length of their vectors."""


def settings_with_tiny(base: Path, model: str = "auto", dimensions: Mapping[str, int] = DIMENSIONS) -> Settings:
    """Give settings under which these models run, everything below ``base``."""
    file = base / "models.toml"
    file.write_text("\n".join(_entry(base, name, dimension) for name, dimension in dimensions.items()), "utf-8")
    settings = Settings(
        data_dir=base / "data", cache_dir=base / "cache", models_file=file, model=model, threads=1, background=False
    )
    for described in load_models(file):
        _export(settings, described)
    return settings


def _entry(base: Path, name: str, dimension: int) -> str:
    return (
        f'[models.{name}]\nfolder = "{base.as_posix()}"\nrevision = "1"\ndimension = {dimension}\n'
        'pooling = "mean"\nmax_tokens = 256\nbackends = ["onnx"]\n'
    )


def _export(settings: Settings, model: Model) -> None:
    folder = folder_of(settings.data_dir / "exports", model)
    folder.mkdir(parents=True)
    file = write_lookup(folder / "model.onnx", table(model.dimension), ["input_ids", "attention_mask"])
    write_tokenizer(folder / "tokenizer.json", leftover_truncation=256)
    record = Record(
        model=model.name,
        revision=model.revision,
        precision="fp32",
        min_cosine=1.0,
        probes=1,
        file=file.name,
        bytes=file.stat().st_size,
        sha256=digest(file),
        origin="export",
        versions={},
    )
    write_record(folder, record)
