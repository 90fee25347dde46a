"""Writes the points of a collection to a file, one JSON object a line, whoever made them."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec
import numpy as np

from coderank.errors import IndexNotWritableError, UsageError
from coderank.store.atomic import draft_prefix, usual_rights

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coderank.store.raw import RawPoint

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
"""Forms of an export; the last is written by ``migration/parquet.py``."""
LEVEL = 6
"""Of compression: text shrinks to a quarter; the highest level takes three times as long for a hundredth less."""


def export_lines(pages: Iterable[Sequence[RawPoint]], file: Path, *, vectors: bool) -> int:
    """Write every point as ``{"id", "payload"}``, with ``vectors`` by name if wanted, and return how many.

    The file appears when it is whole. Memory holds one page at a time.

    Raises:
        UsageError: the file exists, or its name says no form.
        IndexNotWritableError: it cannot be written.
    """
    checked_target(file)
    try:
        handle, name = tempfile.mkstemp(prefix=draft_prefix(file.name), dir=file.absolute().parent)
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as raw:
                count = _written(pages, raw, compressed=file.suffix == ".gz", vectors=vectors)
                raw.flush()
                os.fsync(raw.fileno())
            draft.chmod(usual_rights())
            os.link(draft, file)  # unlike a rename, it never replaces what somebody put there meanwhile
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError as error:
        raise _taken(file) from error
    except OSError as error:
        raise IndexNotWritableError(
            f"Cannot write {file}: {error.strerror or error}", "Free space or allow writing there"
        ) from error
    return count


def checked_target(file: Path) -> None:
    """Raise UsageError where an export would overwrite a file, or has no form that its name says."""
    if not file.name.endswith(SUFFIXES):
        raise UsageError(f"{file} is no form of export", f"End its name with one of: {', '.join(SUFFIXES)}")
    if os.path.lexists(file):
        raise _taken(file)


def line_of(point: RawPoint, *, vectors: bool) -> bytes:
    """Write one point as JSON."""
    fields: dict[str, Any] = {"id": point.id, "payload": point.payload}
    if vectors:
        fields["vectors"] = point.vectors
    return msgspec.json.encode(fields, enc_hook=_plain)


def _written(pages: Iterable[Sequence[RawPoint]], raw: BinaryIO, *, compressed: bool, vectors: bool) -> int:
    # The time is left out, so that two exports of the same points are the same file.
    packed = gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) if compressed else None
    stream = cast("BinaryIO", packed or raw)
    count = 0
    try:
        for page in pages:
            stream.write(b"".join(line_of(point, vectors=vectors) + b"\n" for point in page))
            count += len(page)
    finally:
        if packed is not None:
            packed.close()
    return count


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _taken(file: Path) -> UsageError:
    return UsageError(f"{file} exists already", "Choose another name, or move it away")
