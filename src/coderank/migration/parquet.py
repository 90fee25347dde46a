"""Points in a Parquet file, to be embedded on one machine and loaded on another; any program can read it.

One row a point: ``collection`` and ``id`` as text, ``payload`` as JSON, and for each dense vector a list of float32 of
fixed length, ``vector`` where it has no name and else ``vector:NAME``. The metadata hold a `Header` under ``coderank``.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from coderank.errors import WRITABLE, IndexCorruptError, IndexNotWritableError, UsageError
from coderank.migration.journal import Kind  # noqa: TC001 - msgspec resolves the annotations of its structs
from coderank.store.atomic import draft_prefix
from coderank.store.raw import UNNAMED, RawPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coderank.store.raw import PointId

try:
    import pyarrow
    import pyarrow.parquet
except ImportError as missing:
    raise UsageError(
        f"Parquet files need a package that is missing: {missing.name}", "Run: pip install 'coderank[parquet]'"
    ) from missing

FORMAT = 2
"""Version of this layout; another one is refused."""
ROWS = 1024
"""Points in a row group: what is read and written at once, 3 MB of vectors at 768 dimensions."""
_KEY = b"coderank"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file holds, and what its vectors were made with."""

    kind: Kind | None
    """None where there are no vectors, or where it is not known what made them."""
    dimensions: dict[str, int]
    """Length of each vector by its name."""
    query_prefix: str = ""
    """What the model wants before queries; never before what is in this file."""
    format: int = FORMAT


class Sum(msgspec.Struct, frozen=True):
    """What is known once a file is whole."""

    points: int
    digest: str
    """BLAKE2b over collections, ids, payloads and vectors, row by row."""


@contextmanager
def writing(file: Path, header: Header) -> Iterator[Writer]:
    """Write a file. It appears when the block ends, whole, or not at all. Raises IndexNotWritableError."""
    try:
        handle, name = tempfile.mkstemp(prefix=draft_prefix(file.name), dir=file.absolute().parent)
    except OSError as error:
        raise _not_writable(file, error) from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            writer = Writer(stream, header)
            try:
                yield writer
                writer.finish()
            finally:
                writer.close()
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise _not_writable(file, error) from error
    finally:
        draft.unlink(missing_ok=True)


class Writer:
    """Takes points, a row group at a time."""

    def __init__(self, stream: Any, header: Header) -> None:
        self._header = header
        self._schema = _schema(header)
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._digest = _Digest(header)
        self._points = 0

    def write(self, collection: str, points: Sequence[RawPoint]) -> None:
        """Add points; those without a vector have none in the file either."""
        columns: dict[str, Any] = {
            "collection": [collection] * len(points),
            "id": [str(point.id) for point in points],
            "payload": [_json(point.payload) for point in points],
        }
        for name in self._header.dimensions:
            columns[_column(name)] = [point.vectors.get(name) for point in points]
        for start in range(0, len(points), ROWS):
            part = {name: values[start : start + ROWS] for name, values in columns.items()}
            self._writer.write_table(pyarrow.table(part, self._schema))
        self._digest.add(collection, points)
        self._points += len(points)

    def finish(self) -> None:
        """Write the sum."""
        known = msgspec.json.encode({"header": self._header, "sum": Sum(self._points, self._digest.text())})
        self._writer.add_key_value_metadata({_KEY: known})

    def close(self) -> None:
        """Write the end of the file, which is whole if it was finished before."""
        self._writer.close()


class Reader:
    """A file that is there. Every method raises IndexCorruptError for one that is not whole, or not ours."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._translated():
            self._parquet = pyarrow.parquet.ParquetFile(file)
            known = msgspec.json.decode((self._parquet.metadata.metadata or {}).get(_KEY, b""))
            self.header = msgspec.convert(known["header"], Header)
            self.sum = msgspec.convert(known["sum"], Sum)
        if self.header.format != FORMAT:
            raise IndexCorruptError(
                f"{file} has format {self.header.format}, this version reads {FORMAT}", "Make it with coderank embed"
            )

    def collections(self) -> dict[str, int]:
        """Count the points of each collection."""
        counts: dict[str, int] = {}
        with self._translated():
            for batch in self._parquet.iter_batches(ROWS, columns=["collection"]):
                for name in batch.column(0).to_pylist():
                    counts[name] = counts.get(name, 0) + 1
        return counts

    def pages(self) -> Iterator[tuple[str, list[RawPoint]]]:
        """Give the points in the order they were written, each page of one collection."""
        with self._translated():
            for batch in self._parquet.iter_batches(ROWS):
                yield from _pages(batch, self.header)

    def check(self) -> None:
        """Read everything and compare it with the sum: a file that was cut or changed on its way is refused."""
        digest, points = _Digest(self.header), 0
        for name, page in self.pages():
            digest.add(name, page)
            points += len(page)
        if (points, digest.text()) != (self.sum.points, self.sum.digest):
            raise IndexCorruptError(
                f"{self._file} is damaged: its {points:,} points are not the {self.sum.points:,} that were written",
                "Copy it again",
            )

    def close(self) -> None:
        """Close the file."""
        self._parquet.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pyarrow.ArrowException, msgspec.DecodeError, msgspec.ValidationError, KeyError) as error:
            raise IndexCorruptError(
                f"{self._file} is not a whole file of points: {error}", "Make it with coderank embed"
            ) from error


def told_apart(payload: dict[str, Any]) -> bytes:
    """Give a short sum of a payload, the same before it was written and after it was read."""
    return blake2b(_json(payload).encode(), digest_size=16).digest()


class _Digest:
    def __init__(self, header: Header) -> None:
        self._names = sorted(header.dimensions)
        self._digest = blake2b(digest_size=16)

    def add(self, collection: str, points: Iterable[RawPoint]) -> None:
        for point in points:
            self._digest.update(f"{collection}\0{point.id}\0".encode() + _json(point.payload).encode() + b"\0")
            for name in self._names:
                vector = point.vectors.get(name)
                self._digest.update(b"-" if vector is None else np.asarray(vector, "<f4").tobytes())

    def text(self) -> str:
        return self._digest.hexdigest()


def _pages(batch: pyarrow.RecordBatch, header: Header) -> Iterator[tuple[str, list[RawPoint]]]:
    names = batch.column("collection").to_pylist()
    ids, payloads = batch.column("id").to_pylist(), batch.column("payload").to_pylist()
    vectors = {name: _rows(batch.column(_column(name)), length) for name, length in header.dimensions.items()}
    page: list[RawPoint] = []
    for at, name in enumerate(names):
        if page and name != names[at - 1]:
            yield names[at - 1], page
            page = []
        having = {key: rows[at] for key, rows in vectors.items() if rows[at] is not None}
        page.append(RawPoint(_id(ids[at]), msgspec.json.decode(payloads[at]), having))  # type: ignore[arg-type]
    if page:
        yield names[-1], page


def _rows(column: pyarrow.FixedSizeListArray, length: int) -> list[np.ndarray[Any, Any] | None]:
    present = column.is_valid().to_pylist()
    whole = column.fill_null([0.0] * length) if column.null_count else column
    matrix = whole.flatten().to_numpy(zero_copy_only=False).reshape(-1, length)
    return [row if there else None for row, there in zip(matrix, present, strict=True)]


def _schema(header: Header) -> pyarrow.Schema:
    text = [(name, pyarrow.string()) for name in ("collection", "id", "payload")]
    return pyarrow.schema(
        [*text, *((_column(name), pyarrow.list_(pyarrow.float32(), size)) for name, size in header.dimensions.items())]
    )


def _column(name: str) -> str:
    return "vector" if name == UNNAMED else f"vector:{name}"


def _json(payload: dict[str, Any]) -> str:
    # As in Qdrant's own store; a byte of a file name that is no UTF-8 stays an escape.
    return msgspec.json.encode(payload, enc_hook=str).decode()


def _id(text: str) -> PointId:
    """Numbers have digits only; a UUID is written with hyphens."""
    return int(text) if text.isdecimal() else text


def _not_writable(file: Path, error: Exception) -> IndexNotWritableError:
    return IndexNotWritableError(f"Cannot write {file}: {error}", WRITABLE)
