"""A second embedding model that costs no weights: every token has a random vector, a text their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub_layout import write_tokenizer
from tests.tiny_graph import table, write_lookup

from coderank.models.exported import Record, digest, folder_of, write_record
from coderank.models.user import load_models
from coderank.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

DIMENSION = 32
NAME = "tiny"


def settings_with_tiny(base: Path) -> Settings:
    """Give settings under which ``--model tiny`` runs, everything below ``base``."""
    models = base / "models.toml"
    models.write_text(
        f'[models.{NAME}]\nfolder = "{base.as_posix()}"\nrevision = "1"\ndimension = {DIMENSION}\n'
        'pooling = "mean"\nmax_tokens = 256\nbackends = ["onnx"]\n',
        "utf-8",
    )
    settings = Settings(data_dir=base / "data", cache_dir=base / "cache", models_file=models, threads=1)
    (model,) = load_models(models)
    folder = folder_of(settings.data_dir / "exports", model)
    folder.mkdir(parents=True)
    file = write_lookup(folder / "model.onnx", table(DIMENSION), ["input_ids", "attention_mask"])
    write_tokenizer(folder / "tokenizer.json", leftover_truncation=256)
    write_record(
        folder,
        Record(
            model=NAME,
            revision="1",
            precision="fp32",
            min_cosine=1.0,
            probes=1,
            file=file.name,
            bytes=file.stat().st_size,
            sha256=digest(file),
            origin="export",
            versions={},
        ),
    )
    return settings
