"""CodeRankEmbed and a cross-encoder of their full size with random weights, and an index to search with them.

Weights of a hub cannot be had everywhere; how fast a model is does not depend on their values. Everything is made once
in a folder, by the project's own export, and used again where it is found there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tests.hub_layout import CODERANK_EMBED, write_nomic_bert

from benchmarks.latency import Big, build
from benchmarks.parts import normalised
from coderank import Engine
from coderank.evaluation.growth import SEED
from coderank.loading.calibration import calibrate_exports, known_calibration
from coderank.loading.embedder import ChosenPrecision, Loading, open_embedder
from coderank.models import catalogue
from coderank.models.exported import Export, find
from coderank.settings import Settings

if TYPE_CHECKING:
    from coderank.embedding.calibration import Calibration
    from coderank.embedding.contract import Embedder
    from coderank.types import Matrix

MODEL = "coderank-embed"
PRECISIONS = ("fp32", "int8")
"""Of the files that are exported; ``auto`` takes the one that the calibration finds faster."""
TRIAL_LAYERS = 1
"""Enough to try a benchmark out."""
RANDOM_VECTORS = 512
"""Directions that the vectors of the index scatter about, as many as `benchmarks.latency` takes real ones."""
PACKAGES = ("torch", "transformers", "onnx", "onnxscript")
OPSET = 18


def demand(*packages: str) -> None:
    """End the program with one line where something is not installed."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        named = " ".join("'coderank[torch]'" if name in PACKAGES else name for name in missing)
        raise SystemExit(f"This needs {', '.join(missing)}: pip install {' '.join(dict.fromkeys(named.split()))}")


@dataclass(frozen=True)
class Place:
    """A folder with models and an index."""

    folder: Path
    layers: int = CODERANK_EMBED.layers
    """Of CodeRankEmbed: all, or fewer where that is enough."""

    @property
    def settings(self) -> Settings:
        """The engine's folders in this place."""
        return Settings(data_dir=self.folder / "data", cache_dir=self.folder / "cache", background=False)

    @property
    def hub(self) -> Path:
        """The weights in the layout of their hub repository."""
        return self.folder / "hub"

    @cached_property
    def exports(self) -> list[Export]:
        """The exported files, made where they are missing, and calibrated."""
        model = replace(catalogue.get(MODEL), layers=self.layers)
        root = self.settings.data_dir / "exports"
        if not (self.hub / "tokenizer.json").exists():  # written last
            write_nomic_bert(self.hub, replace(CODERANK_EMBED, layers=self.layers))
        if len(find(root, model)) < len(PRECISIONS):
            from coderank.loading.export import Exporter  # noqa: PLC0415 - torch

            exporter = Exporter(model, root, folder=self.hub)
            exporter.export("fp32")
            exporter.export("int8")
        return find(root, model)

    def calibration(self) -> Calibration:
        """Return what `auto` goes by on this machine, measured where that was not done yet."""
        model, cache = catalogue.get(MODEL), self.settings.cache_dir
        return known_calibration(model, self.exports, cache) or calibrate_exports(model, self.exports, cache)

    def embedder(self, precision: ChosenPrecision = "auto") -> Embedder:
        """Open CodeRankEmbed as the engine does."""
        self.calibration()
        return open_embedder(catalogue.get(MODEL), self.loading(precision))

    def loading(self, precision: ChosenPrecision = "auto") -> Loading:
        """Say where this place has its models."""
        settings = self.settings
        return Loading(exports=settings.data_dir / "exports", cache=settings.cache_dir, precision=precision)

    def index(self, repositories: Path, chunks: int) -> Big:
        """Make the index of a large tree with vectors of CodeRankEmbed's length, or take it where it is whole."""
        whole = self.folder / f"index-of-{chunks}"
        self.calibration()
        if whole.exists():
            big = Big(self.folder / "tree", self.settings, int(whole.read_text("utf-8")))
            with Engine.open(big.root, settings=big.settings) as engine:
                if engine.status().chunks == big.chunks:
                    return big
        shutil.rmtree(self.folder / "tree", ignore_errors=True)
        big = build(repositories, self.folder, chunks, random_vectors(), MODEL)
        whole.write_text(str(big.chunks), "utf-8")
        return big


def random_vectors(seed: int = SEED) -> Matrix:
    """Draw directions of CodeRankEmbed's length."""
    shape = (RANDOM_VECTORS, catalogue.get(MODEL).dimension)
    return normalised(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def cross_encoder(folder: Path) -> dict[str, Path]:
    """Write a model of the size of ms-marco-MiniLM-L6-v2; return the folder of each precision."""
    made = {precision: folder / f"cross-encoder-{precision}" for precision in PRECISIONS}
    if not all((place / "vocab.txt").exists() for place in made.values()):
        from coderank.models.export import quantise  # noqa: PLC0415

        for place in made.values():
            place.mkdir(parents=True, exist_ok=True)
        _write_pair_model(made["fp32"] / "model.onnx")
        quantise(made["fp32"] / "model.onnx", made["int8"] / "model.onnx")
        for place in made.values():
            (place / "vocab.txt").write_bytes((files("coderank.embedding") / "vocab.txt").read_bytes())
    return made


def _write_pair_model(target: Path) -> None:
    import torch  # noqa: PLC0415 - seconds
    from transformers import BertConfig, BertForSequenceClassification  # noqa: PLC0415

    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=30_522,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1_536,
        num_labels=1,
        return_dict=False,
        attn_implementation="eager",  # as the hub's file, which is older than attention as one operator
    )
    names = ["input_ids", "attention_mask", "token_type_ids"]
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    torch.onnx.export(
        BertForSequenceClassification(config).eval(),
        # Three tensors: the exporter tells inputs apart by identity.
        tuple(torch.ones((2, 8), dtype=torch.long) for _ in names),
        target,
        input_names=names,
        output_names=["logits"],
        opset_version=OPSET,
        dynamo=True,
        dynamic_shapes=tuple(free for _ in names),
        external_data=False,
        verbose=False,
    )
