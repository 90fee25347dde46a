"""Open SQLite files so that several processes can share them from the first moment."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

BUSY_TIMEOUT_S = 10.0
"""How long a statement waits for another process's transaction: they last milliseconds, a stalled disk seconds."""


def open_shared(path: Path, schema: str, format_version: int) -> sqlite3.Connection:
    """Open ``path`` in write-ahead mode, creating it with ``schema`` first if it is absent.

    The connection may be used from several threads if the caller serialises them. Raises OSError and sqlite3.Error.
    """
    if not path.exists():
        _create(path, schema, format_version)
    return _connect(path)


def open_frozen(path: Path) -> sqlite3.Connection:
    """Open ``path`` for reading where nothing can be written, not even what write-ahead mode needs to read.

    What other processes have not yet moved out of the write-ahead log is not seen.
    """
    return _connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)


def open_in_memory(schema: str) -> sqlite3.Connection:
    """Open a database that lives as long as its connection."""
    connection = _connect(":memory:")
    connection.executescript(schema)
    return connection


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format version the file was created with."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error, 0 where the error came from Python's side."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _connect(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level="IMMEDIATE", check_same_thread=False, uri=uri)


def _create(path: Path, schema: str, format_version: int) -> None:
    # Switching a file to write-ahead mode ignores the busy timeout, so two processes that create it together can
    # fail with "database is locked" (1 in 160 measured). A complete file is moved into place instead.
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.create", timeout=BUSY_TIMEOUT_S):
        if path.exists():
            return
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        draft.unlink(missing_ok=True)
        connection = _connect(draft)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(schema)
            connection.execute(f"PRAGMA user_version = {format_version:d}")
        finally:
            connection.close()
        draft.replace(path)
