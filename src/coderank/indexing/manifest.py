"""What the index holds of every file: the record that makes indexing incremental and resumable."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from coderank.errors import (
    REBUILD,
    WRITABLE,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
)
from coderank.indexing.database import format_of, open_frozen, open_shared, primary_code
from coderank.types import Skip, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from coderank.errors import CoderankError

FORMAT = 1
"""Version of the tables below; an older or newer file is refused."""

DONE = "done"
WRITING = "writing"
"""State of a row whose points may be half written: the next sync processes the file from the store's true content."""

_SCHEMA = """
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, read_ns INTEGER NOT NULL,
  digest TEXT NOT NULL, chunks INTEGER NOT NULL, language TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE skips (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, read_ns INTEGER NOT NULL,
  state TEXT NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', 0), ('filled_revision', -1), ('dense', 0);
"""

# Primary result codes of SQLite (sqlite.org/rescode.html).
_BUSY = {5, 6}
_NOT_WRITABLE = {3, 8, 10, 13, 14}  # PERM, READONLY, IOERR, FULL, CANTOPEN


class FileRow(NamedTuple):
    """One indexed file as it was when it was last read."""

    path: str
    size: int
    mtime_ns: int
    read_ns: int
    """A time before the content was read, on the clock of ``time.time_ns``."""
    digest: str
    chunks: int
    language: str
    state: str = DONE


class SkipRow(NamedTuple):
    """One file that was left out after it was read, so that it is not read again."""

    path: str
    size: int
    mtime_ns: int
    read_ns: int
    state: str
    """The SkipReason."""
    detail: str

    def skip(self) -> Skip:
        """Return the row in the vocabulary of the package."""
        return Skip(self.path, SkipReason(self.state), self.detail)


class Totals(NamedTuple):
    """Sums over the manifest."""

    files: int
    chunks: int
    dense: int
    """Chunks that had a dense vector when they were last counted."""

    @property
    def coverage(self) -> float:
        """Share of the chunks with a dense vector; 1 where there is none to have one."""
        return self.dense / self.chunks if self.chunks else 1.0


class Manifest:
    """The file ``manifest.db`` of an index; safe for several processes and threads, and readable on a full disk.

    Every method raises IndexCorruptError, IndexNotWritableError or IndexBusyError.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the manifest.

        Raises IndexIncompatibleError if the file has another format version.
        """
        self._path = path
        self._lock = RLock()
        self._totals: tuple[tuple[int, int], Totals] | None = None
        with self._translated():
            self._connection = open_shared(path, _SCHEMA, FORMAT)
            self._check_format()

    def close(self) -> None:
        """Close the file. The manifest cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def copy_to(self, path: Path) -> None:
        """Replace what a manifest at ``path`` holds by what this one does, in one transaction; it may be open."""
        with self._translated(), self._lock, closing(open_shared(path, _SCHEMA, FORMAT)) as target:
            self._connection.backup(target)

    def files(self) -> list[FileRow]:
        """Return the rows of all indexed files."""
        return list(map(FileRow._make, self._rows("SELECT * FROM files")))

    def skips(self) -> list[SkipRow]:
        """Return the rows of all files that were left out after reading."""
        return list(map(SkipRow._make, self._rows("SELECT * FROM skips")))

    def languages(self) -> tuple[tuple[str, int], ...]:
        """Return (language, chunks), most chunks first, ties by name."""
        query = (
            "SELECT language, sum(chunks) AS n FROM files WHERE chunks > 0 GROUP BY language ORDER BY n DESC, language"
        )
        return tuple((str(name), int(count)) for name, count in self._rows(query))

    def totals(self) -> Totals:
        """Return the number of files, of chunks, and of chunks with a dense vector when last counted."""
        with self._lock:
            # Adding up 10,000 rows takes 1 ms, and every search wants to know; the stamp tells whether a row changed.
            stamp = (self._rows("PRAGMA data_version")[0][0], self._connection.total_changes)
            if self._totals is None or self._totals[0] != stamp:
                self._totals = (stamp, self._counted())
            return self._totals[1]

    def _counted(self) -> Totals:
        query = (
            """SELECT count(*), coalesce(sum(chunks), 0), (SELECT value FROM meta WHERE name = 'dense') FROM files"""
        )
        return Totals._make(self._rows(query)[0])

    def revision(self) -> int:
        """Return a number that grows with every write of points."""
        return int(self._rows("SELECT value FROM meta WHERE name = 'revision'")[0][0])

    def filled(self) -> bool:
        """Tell whether every chunk that the model takes had a dense vector at the current revision."""
        query = """SELECT (SELECT value FROM meta WHERE name = 'revision') = (SELECT value FROM meta WHERE name =
          'filled_revision') AND NOT EXISTS (SELECT 1 FROM files WHERE state = ?)"""
        return bool(self._rows(query, (WRITING,))[0][0])

    def unfinished(self) -> bool:
        """Tell whether the points of some file may be half written."""
        return bool(self._rows("SELECT EXISTS (SELECT 1 FROM files WHERE state = ?)", (WRITING,))[0][0])

    def begin(self, paths: Sequence[str]) -> None:
        """Mark files before their points are touched; a file without a row gets one."""
        row = """INSERT INTO files VALUES (?, -1, -1, 0, '', 0, '', ?)
          ON CONFLICT (path) DO UPDATE SET state = excluded.state"""
        with self._transaction() as connection:
            connection.executemany(row, [(path, WRITING) for path in paths])

    def begin_others(self, paths: Iterable[str]) -> None:
        """Mark files of which the store has points, by whoever wrote them, and the manifest no row."""
        row = "INSERT OR IGNORE INTO files VALUES (?, -1, -1, 0, '', 0, '', ?)"
        with self._transaction() as connection:
            connection.executemany(row, [(path, WRITING) for path in sorted(set(paths))])

    def begin_all(self) -> None:
        """Mark every file, so that the next sync compares all of them with the store, which has lost points."""
        with self._transaction() as connection:
            connection.execute("UPDATE files SET state = ?", (WRITING,))
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('lossy', 1)")
            # Whoever found the store whole at the revision before has to look again.
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")

    def lossy(self) -> bool:
        """Tell whether the store was found to have lost points that no sync has made up for since."""
        return bool(self._rows("SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'lossy')")[0][0])

    def mark_whole(self) -> None:
        """Record that the store has every point again."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM meta WHERE name = 'lossy'")

    def finish(self, files: Iterable[FileRow], skips: Iterable[SkipRow], gone: Iterable[str]) -> None:
        """Record files whose points are written, files left out, and files that no longer exist."""
        with self._transaction() as connection:
            self._replace(connection, files, skips, gone)
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")

    def touch(self, files: Iterable[FileRow], skips: Iterable[SkipRow], gone: Iterable[str]) -> None:
        """Record files whose points did not change: another time stamp, or a file that never had points."""
        with self._transaction() as connection:
            self._replace(connection, files, skips, gone)

    def clear(self) -> None:
        """Forget every file, so that processes that have the manifest open see it, too."""
        with self._transaction() as connection:
            for table in ("files", "skips"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - two names of our own
            connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")
            connection.execute("UPDATE meta SET value = 0 WHERE name = 'dense'")
            connection.execute("DELETE FROM meta WHERE name = 'lossy'")

    def count_dense(self, dense: int) -> None:
        """Record how many chunks have a dense vector."""
        with self._transaction() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'dense'", (dense,))

    def mark_filled(self, revision: int) -> None:
        """Record that every chunk that the model takes had a dense vector at ``revision``."""
        with self._transaction() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'filled_revision'", (revision,))

    def _replace(
        self, connection: sqlite3.Connection, files: Iterable[FileRow], skips: Iterable[SkipRow], gone: Iterable[str]
    ) -> None:
        files, skips = list(files), list(skips)
        no_file = [(row.path,) for row in skips] + [(path,) for path in gone]
        no_skip = [(row.path,) for row in files] + [(path,) for path in gone]
        connection.executemany("DELETE FROM files WHERE path = ?", no_file)
        connection.executemany("DELETE FROM skips WHERE path = ?", no_skip)
        connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", files)
        connection.executemany("INSERT OR REPLACE INTO skips VALUES (?, ?, ?, ?, ?, ?)", skips)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._translated(), self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), self._lock, self._connection:
            yield self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._not_writable(error) from error
        except sqlite3.ProgrammingError:
            raise  # a closed manifest is a mistake of the caller, not a state of the file
        except sqlite3.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: sqlite3.Error) -> CoderankError:
        code = primary_code(error)
        if code in _BUSY:
            return IndexBusyError(f"Another process keeps {self._path} locked ({error})", "Try again in a moment")
        if code in _NOT_WRITABLE:
            return self._not_writable(error)
        return IndexCorruptError(f"{self._path} cannot be read ({error})", REBUILD)

    def _not_writable(self, error: Exception) -> CoderankError:
        return IndexNotWritableError(f"Cannot write {self._path} ({error})", WRITABLE)

    def _format(self) -> int:
        try:
            return format_of(self._connection)
        except sqlite3.OperationalError as error:
            if primary_code(error) not in _NOT_WRITABLE:
                raise
        # A full or read-only disk: what is indexed can still be looked up.
        self._connection.close()
        self._connection = open_frozen(self._path)
        return format_of(self._connection)

    def _check_format(self) -> None:
        found = self._format()
        if found == FORMAT:
            return
        self.close()
        if found == 0:
            raise IndexCorruptError(f"{self._path} is not a manifest", REBUILD)
        raise IndexIncompatibleError(f"{self._path} has format {found}, this version reads {FORMAT}", REBUILD)
