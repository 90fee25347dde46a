"""Chunks that somebody else cut: a file of JSON lines, read once for each of its states and then looked up by path."""

from __future__ import annotations

import gzip
import hashlib
import os
import sqlite3
import time
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from coderank.corpus.ready import Fault, parse_line
from coderank.corpus.walk import Listing
from coderank.errors import SourceUnavailableError
from coderank.indexing.database import open_shared
from coderank.indexing.lock import held
from coderank.indexing.plan import settled
from coderank.indexing.tree import Content
from coderank.types import FileEntry, Skip, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from coderank.types import Chunk

FORMAT = 1
MAX_LINE_BYTES = 4 << 20
"""Longer lines are named and left out: a chunk has a few kilobytes, and one line must not fill the memory."""
PROGRESS_STEP = 1_000
LOCK_S = 3600.0
"""How long to wait for another process that reads the same file for the first time."""
_SCHEMA = """
CREATE TABLE lines (path TEXT, number INTEGER, text BLOB NOT NULL, PRIMARY KEY (path, number)) WITHOUT ROWID;
CREATE TABLE entries (path TEXT PRIMARY KEY, size INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE faults (number INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE state (size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, read_ns INTEGER NOT NULL);
"""


class ReadyTree:
    """The chunks of one file of JSON lines, as files by their paths."""

    def __init__(self, file: Path, cache: Path) -> None:
        """Take the file, compressed or not, and the folder where what was read is kept: it can be read again."""
        self._file = file
        digest = hashlib.blake2b(os.fsencode(file), digest_size=8).hexdigest()
        self._copy = cache / "ready" / f"{digest}.db"

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._file)

    @property
    def is_there(self) -> bool:
        """True: a file that is gone is an error, not an empty one."""
        return True

    def refresh(self) -> None:
        """Do nothing: the file is looked at whenever it is listed."""

    def entries(self, on_progress: Callable[[int], None] | None = None) -> Listing:
        """List the paths that the lines name, and as left out every line that is no chunk.

        Raises:
            SourceUnavailableError: the file cannot be read, or no line of it is a chunk.
        """
        try:
            with held(self._copy.parent / f"{self._copy.stem}.lock", LOCK_S), self._opened() as copy:
                self._bring_up_to_date(copy, on_progress)
                return self._listing(copy)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error
        except sqlite3.Error as error:
            raise SourceUnavailableError(
                f"Cannot keep what {self._file} holds at {self._copy}: {error}", "Free space or allow writing there"
            ) from error

    def read(self, entry: FileEntry) -> Content | Skip:
        """Look up the chunks of one path."""
        try:
            with self._opened() as copy:
                found = copy.execute("SELECT digest FROM entries WHERE path = ?", (entry.path,)).fetchone()
        except (OSError, sqlite3.Error) as error:
            return Skip(entry.path, SkipReason.UNREADABLE, str(error))
        if found is None:
            return Skip(entry.path, SkipReason.UNREADABLE, "the file of chunks changed meanwhile")
        return Content(found[0], lambda: self._chunks(entry.path))

    def text(self, path: str) -> None:
        """None: the lines of a chunk are those of a file somewhere else."""

    def _chunks(self, path: str) -> list[Chunk]:
        with self._opened() as copy:
            rows = copy.execute("SELECT number, text FROM lines WHERE path = ? ORDER BY number", (path,)).fetchall()
        chunks = [parse_line(text, number, self._file.name) for number, text in rows]
        return sorted((one for one in chunks if not isinstance(one, Fault)), key=lambda one: one.start_line)

    def tell_folders(self, tell: Callable[[str], None]) -> bool:  # noqa: ARG002 - as the others do
        """Return that there are none: the file is looked at."""
        return False

    def _opened(self) -> _Closing:
        self._copy.parent.mkdir(parents=True, exist_ok=True)
        return _Closing(open_shared(self._copy, _SCHEMA, FORMAT))

    def _listing(self, copy: sqlite3.Connection) -> Listing:
        rows = copy.execute("SELECT path, size, digest FROM entries ORDER BY path")
        # The stamp comes from the content: of a file that changed, only the paths whose lines did are read again.
        files = tuple(FileEntry(path, size, int(digest[:14], 16)) for path, size, digest in rows)
        faults = copy.execute("SELECT number, reason, detail FROM faults ORDER BY number")
        skips = tuple(
            Skip(f"{self._file.name}:{number}", SkipReason(reason), detail) for number, reason, detail in faults
        )
        if skips and not files:
            raise SourceUnavailableError(
                f"No line of {self._file} is a chunk; {skips[0].path}: {skips[0].detail}",
                "Each line is a JSON object with content, and path, start_line, end_line, language, symbol as known",
            )
        return Listing(tuple(sorted(files)), skips)

    def _bring_up_to_date(self, copy: sqlite3.Connection, on_progress: Callable[[int], None] | None) -> None:
        read_ns = time.time_ns()
        now = self._file.stat()
        state = copy.execute("SELECT size, mtime_ns, read_ns FROM state").fetchone()
        if state and state[:2] == (now.st_size, now.st_mtime_ns) and settled(now.st_mtime_ns, state[2]):
            return
        with copy:  # one transaction: whoever looks meanwhile sees the state before
            for table in ("lines", "entries", "faults", "state"):
                copy.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            for number, line in self._lines():
                _take_in(copy, number, line, self._file.name)
                if on_progress and number % PROGRESS_STEP == 0:
                    on_progress(number)
            _sum_up(copy)
            copy.execute("INSERT INTO state VALUES (?, ?, ?)", (now.st_size, now.st_mtime_ns, read_ns))

    def _lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the lines that are not empty, by number from 1; None for one that is too long."""
        with _open(self._file) as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                too_long = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
                while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE_BYTES)
                if too_long:
                    yield number, None
                elif line.strip():
                    yield number, line

    def _unreadable(self, error: Exception) -> SourceUnavailableError:
        reason = getattr(error, "strerror", None) or str(error)
        return SourceUnavailableError(f"Cannot read {self._file}: {reason}", "Put it back, or correct the collection")


class _Closing:
    """Closes a connection at the end of a block: its own ``with`` only ends a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _open(file: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _take_in(copy: sqlite3.Connection, number: int, line: bytes | None, name: str) -> None:
    too_long = Fault(SkipReason.MALFORMED, f"longer than {MAX_LINE_BYTES:,} bytes")
    found = too_long if line is None else parse_line(line, number, name)
    if isinstance(found, Fault):
        copy.execute("INSERT INTO faults VALUES (?, ?, ?)", (number, found.reason, found.detail))
    else:
        copy.execute("INSERT INTO lines VALUES (?, ?, ?)", (found.path, number, line))


def _sum_up(copy: sqlite3.Connection) -> None:
    """Write one row for each path: the size and the digest of its lines."""
    path, size, digest = None, 0, hashlib.blake2b(digest_size=16)
    for following, text in copy.execute("SELECT path, text FROM lines ORDER BY path, number"):
        if following != path:
            _enter(copy, path, size, digest.hexdigest())
            path, size, digest = following, 0, hashlib.blake2b(digest_size=16)
        size += len(text)
        digest.update(text)
    _enter(copy, path, size, digest.hexdigest())


def _enter(copy: sqlite3.Connection, path: str | None, size: int, digest: str) -> None:
    if path is not None:
        copy.execute("INSERT INTO entries VALUES (?, ?, ?)", (path, size, digest))
