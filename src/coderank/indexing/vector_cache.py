"""Vectors by content: what was embedded once is not embedded again under another path, branch or worktree."""

from __future__ import annotations

import logging
import sqlite3
import time
from threading import RLock
from typing import TYPE_CHECKING

from coderank.indexing.database import format_of, open_in_memory, open_shared, primary_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coderank.types import Matrix, Vector

FORMAT = 1
"""Version of the table below; a file of another version is set aside."""
MAX_BYTES = 1 << 30
"""Size of the cache: 1.3 million vectors of 384 dimensions, more than all checkouts of one developer."""
MAX_BYTES_IN_MEMORY = 64 << 20
"""Size where the file cannot be used and vectors are kept for this process only."""
EVICTED_SHARE = 0.1
"""Share dropped at once when the cache is full, so that eviction is rare."""
_ROW_OVERHEAD = 100
"""Bytes a row costs beyond its vector: a 16 to 32 byte key, twice (table and index), and page overhead."""
_KEYS_PER_QUERY = 500
"""Below the 999 parameters that every build of SQLite accepts."""
_DAMAGED = {11, 26}  # CORRUPT, NOTADB

# A row id grows with every insert: the order that eviction needs. Vectors are larger than the twentieth of a page up to
# which SQLite advises tables without row ids.
_SCHEMA = "CREATE TABLE vectors (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL);"

log = logging.getLogger(__name__)


def rounded(vectors: Matrix) -> Matrix:
    """Round vectors to the precision of the cache, so that a fresh vector equals a cached one bit by bit."""
    return vectors.astype("float16").astype("float32")


class VectorCache:
    """Vectors of one model by key, shared by every index and process of a user.

    It never fails: a damaged file is set aside, an unwritable one is replaced by memory, each with a warning.
    """

    def __init__(self, path: Path, dimension: int, *, max_bytes: int = MAX_BYTES) -> None:
        """Take the cache's file and the length of its vectors. Nothing is opened before the first use."""
        self._path = path
        self._dimension = dimension
        self._max_rows = self._rows_in(max_bytes)
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those keys that are known, shape (dimension,)."""
        found: dict[bytes, Vector] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            found.update(self._look_up(keys[start : start + _KEYS_PER_QUERY]))
        return found

    def put(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Remember vectors, shape (len(keys), dimension); a key that is known keeps its vector."""
        import numpy as np  # noqa: PLC0415 - 0.1 s that an unchanged tree need not pay

        halves = np.ascontiguousarray(vectors, dtype=np.float16)
        rows = [(key, half.tobytes()) for key, half in zip(keys, halves, strict=True)]
        with self._lock:
            try:
                self._insert(self._open(), rows)
            except (sqlite3.Error, OSError) as error:
                self._insert(self._recover(error), rows)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _look_up(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        query = f"SELECT key, vector FROM vectors WHERE key IN ({','.join('?' * len(keys))})"  # noqa: S608 - only marks
        with self._lock:
            try:
                rows = self._open().execute(query, keys).fetchall()
            except (sqlite3.Error, OSError) as error:
                rows = self._recover(error).execute(query, keys).fetchall()
        size = 2 * self._dimension
        import numpy as np  # noqa: PLC0415

        return {key: np.frombuffer(blob, np.float16).astype(np.float32) for key, blob in rows if len(blob) == size}

    def _insert(self, connection: sqlite3.Connection, rows: list[tuple[bytes, bytes]]) -> None:
        with connection:
            connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
            self._evict(connection)

    def _evict(self, connection: sqlite3.Connection) -> None:
        oldest, newest = connection.execute("SELECT min(id), max(id) FROM vectors").fetchone()
        if oldest is not None and newest - oldest >= self._max_rows:
            keep = int(self._max_rows * (1 - EVICTED_SHARE))
            connection.execute("DELETE FROM vectors WHERE id <= ?", (newest - keep,))

    def _rows_in(self, size: int) -> int:
        return max(1, size // (2 * self._dimension + _ROW_OVERHEAD))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = open_shared(self._path, _SCHEMA, FORMAT)
            self._connection = connection
            if (found := format_of(connection)) != FORMAT:
                raise _ForeignFormatError(f"format {found} instead of {FORMAT}")
            # A cache may lose its last rows in a power cut: no wait for the disk on every write.
            connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _recover(self, error: sqlite3.Error | OSError) -> sqlite3.Connection:
        self.close()
        if isinstance(error, _ForeignFormatError) or primary_code_of(error) in _DAMAGED:
            try:
                aside = self._set_aside()
                log.warning("The vector cache %s is damaged (%s); it was moved to %s", self._path, error, aside)
                return self._open()
            except (sqlite3.Error, OSError) as second:
                error = second
        log.warning("The vector cache %s cannot be used (%s); vectors are not kept", self._path, error)
        self._max_rows = self._rows_in(MAX_BYTES_IN_MEMORY)
        self._connection = open_in_memory(_SCHEMA)
        return self._connection

    def _set_aside(self) -> Path:
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            companion = self._path.with_name(self._path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))
        return aside


class _ForeignFormatError(sqlite3.DatabaseError):
    """The file is a database, but not this cache."""


def primary_code_of(error: sqlite3.Error | OSError) -> int:
    """Return SQLite's primary result code, 0 for an error of the operating system."""
    return primary_code(error) if isinstance(error, sqlite3.Error) else 0
