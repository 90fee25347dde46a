"""Put trained weights into the package ``coderank_models``.

``python -m training.ship coderank-mini FOLDER`` takes a folder with ``config.json`` and ``model.safetensors`` and
writes the 8-bit graph that ONNX Runtime reads: an encoder's, or with a head a cross-encoder's. A file, as that of
``coderank-static``, is taken as it is. The manifest is brought up to date. Prints the command that
makes the catalogue name the file's hash as the revision.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coderank.models.bundled import MANIFEST, OWN, Manifest, Weights, read_manifest
from coderank.models.catalogue import MODELS
from training.bundle import written

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = Path(__file__).parents[1] / "models" / "src" / "coderank_models"
LIMIT = 60_000_000
"""Bytes of all weights together: what a user who asked for a search tool is willing to download."""
NAMES = tuple(one.name for one in MODELS if one.weights == "bundled" and not one.cut_of and one.name != OWN.name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write file and manifest; print the command that brings the catalogue up to date."""
    parser = argparse.ArgumentParser(prog="python -m training.ship", description=__doc__)
    parser.add_argument("name", choices=NAMES, help="of the model in the catalogue")
    parser.add_argument("source", type=Path, help="folder of trained weights in the hub's layout, or a file")
    parser.add_argument("--version", default="1", help="of the training, for people; default: %(default)s")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="where the package is")
    given = parser.parse_args(arguments)
    shipped = ship(given.name, given.source, given.version, given.package)
    print(f"{given.package / shipped.file}: {shipped.size:,} bytes")
    named, revision = f'/name="{shipped.name}",/,/revision=/', f'revision="{shipped.sha256[:12]}"'
    print(f"sed -i '{named}s/revision=.*/{revision},/' src/coderank/models/catalogue.py")


def ship(name: str, source: Path, version: str, package: Path) -> Weights:
    """Write the file of a model and its entry, in the place of older ones; return the entry."""
    target = package / f"{name}{'.onnx' if source.is_dir() else source.suffix}"
    staged = target.with_name(f"{target.name}.new")
    if source.is_dir():
        written(source, staged)
    else:
        shutil.copyfile(source, staged)
    data = staged.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    entry = Weights(name=name, file=target.name, size=len(data), sha256=sha256, version=version)
    before = read_manifest(package).models
    listed = sorted((*(one for one in before if one.name != name), entry), key=lambda one: one.name)
    total = sum(one.size for one in listed)
    if total > LIMIT:
        staged.unlink()
        raise SystemExit(f"{name} has {entry.size:,} bytes: all together {total:,} of at most {LIMIT:,}")
    for replaced in {one.file for one in before if one.name == name} - {target.name}:
        (package / replaced).unlink(missing_ok=True)
    staged.replace(target)
    manifest = msgspec.json.encode(Manifest(models=tuple(listed)))
    (package / MANIFEST).write_bytes(msgspec.json.format(manifest, indent=2) + b"\n")
    return entry


if __name__ == "__main__":
    main()
