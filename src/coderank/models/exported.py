"""The ONNX files that were exported, each with a record of what it is and how near it comes to its origin."""

from __future__ import annotations

import hashlib
from pathlib import Path  # noqa: TC003 - msgspec resolves the annotations of its structs
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from coderank.errors import ModelError

if TYPE_CHECKING:
    from coderank.models.catalogue import Model

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]

FORMAT = 1
"""Version of the record; others are not read."""
MIN_COSINE: dict[Precision, float] = {"fp32": 0.999, "bf16": 0.995, "int8": 0.98}
"""How near the vectors of a file must come to those of torch in fp32, the worst probe counts. Measured on the shape of
CodeRankEmbed: fp32 from 0.9999999, int8 from 0.994, and 0.987 for the empty text; a file with another pooling stays
below 0.9."""
TOKENIZER = "tokenizer.json"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one exported file."""

    format: int = FORMAT
    model: str
    revision: str
    precision: Precision
    min_cosine: float
    """Of the worst probe, to torch in fp32."""
    probes: int
    file: str
    bytes: int
    sha256: str
    origin: str
    """``export``, or the name of the file that was adopted."""
    versions: dict[str, str]


class Export(msgspec.Struct, frozen=True):
    """An exported file that is there."""

    record: Record
    path: Path
    tokenizer: Path


def folder_of(root: Path, model: Model) -> Path:
    """Where the files of one model at one revision are."""
    return root / model.name / model.revision[:12]


def can_be_exported(model: Model) -> bool:
    """Whether an ONNX file of a model is made here: of an embedder that runs on it and has torch weights."""
    return model.kind == "embedder" and "onnx" in model.backends and model.weights != "bundled"


def enforce(precision: Precision, cosine: float, model: str) -> None:
    """Refuse a file whose vectors drift from the original.

    Raises:
        ModelError: the cosine similarity is below the bar of the precision, or not a number.
    """
    bar = MIN_COSINE[precision]
    if not cosine >= bar:
        raise ModelError(
            f"the {precision} file of {model} drifts from the torch weights: minimum cosine similarity {cosine:.4f}, "
            f"at least {bar} is wanted",
            "Use the weights with torch, without an ONNX file"
            if precision == "fp32"
            else f"Use a higher precision: coderank models export {model} --precision fp32",
        )


def write_record(folder: Path, record: Record) -> Export:
    """Write the record beside its file."""
    path = folder / f"{record.precision}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2))
    return Export(record, folder / record.file, folder / TOKENIZER)


def install(staging: Path, folder: Path, record: Record) -> Export:
    """Move a checked file and its tokenizer out of ``staging`` into the folder of its model, the record last.

    Each takes the place of an older one at once, so that a process that has the old file open goes on with it.
    """
    write_record(staging, record)
    for part in (TOKENIZER, record.file, f"{record.precision}.json"):
        (staging / part).replace(folder / part)
    return Export(record, folder / record.file, folder / TOKENIZER)


def find(root: Path, model: Model) -> list[Export]:
    """List the usable exports of a model, in the order of their precision's name.

    A file is left out whose record is of another format, model or revision, or whose size is not the recorded one.
    """
    folder = folder_of(root, model)
    exports = [_read(path) for path in sorted(folder.glob("*.json")) if path.name != TOKENIZER]
    return [
        export
        for export in exports
        if export is not None
        and (export.record.format, export.record.model, export.record.revision) == (FORMAT, model.name, model.revision)
        and export.path.is_file()
        and export.path.stat().st_size == export.record.bytes
        and export.tokenizer.is_file()
    ]


def remove(export: Export) -> None:
    """Delete a file and its record, the record first."""
    (export.path.parent / f"{export.record.precision}.json").unlink(missing_ok=True)
    export.path.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> Export | None:
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        # Half written or of another release: as good as not there, the export writes it again.
        return None
    return Export(record, path.parent / record.file, path.parent / TOKENIZER)
