"""A package of weights whose cross-encoder counts the letter z, beside what else the installed one holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from tests.reranking.tiny_pairs import write_counter

from coderank.loading import rerankers
from coderank.models import bundled
from coderank.models.catalogue import MODELS

NAME = "coderank-mini-rerank"


def install(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the package; return the file of the cross-encoder, which the catalogue then names by its hash."""
    words = (files("coderank.embedding") / "vocab.txt").read_text("utf-8").splitlines()
    path = write_counter(package / f"{NAME}.onnx", words=words)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = {"name": NAME, "file": path.name, "size": path.stat().st_size, "sha256": sha256, "version": "1"}
    installed = bundled.package_folder()
    others = [one for one in bundled.read_manifest(installed).models if one.name != NAME] if installed else []
    for one in others:
        (package / one.file).symlink_to(Path(installed or "", one.file))
    (package / "manifest.json").write_text(json.dumps({"models": [entry, *map(msgspec.to_builtins, others)]}))
    models = tuple(replace(one, revision=sha256[:12]) if one.name == NAME else one for one in MODELS)
    monkeypatch.setattr(bundled, "package_folder", lambda: package)
    monkeypatch.setattr(rerankers, "MODELS", models)
    monkeypatch.setattr(rerankers, "catalogue_of", lambda _: models)
    return path
