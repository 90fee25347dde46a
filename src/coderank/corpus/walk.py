"""List the files of a tree that belong to the corpus. Nothing is opened but ignore files and ``.git`` files."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from coderank.corpus.exclusions import by_name
from coderank.corpus.ignore import CACHE_MARKERS, GIT_ENTRY, RULE_ENTRIES, Scope, is_worktree, scope_above
from coderank.errors import PathNotFoundError
from coderank.types import FileEntry, Skip, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

MAX_FILE_BYTES = 1 << 20
"""Files above one mebibyte are data, not writing: hand-written source stays far below (CPython's longest file has half
of it), and one such file would cost as much to embed as a small repository."""

PROGRESS_STEP = 500
"""Files between two calls of ``on_progress``: some hundredths of a second, smooth for an eye and free for the walk."""

# What would break a line-based output or JSON: control characters, line separators, bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BAD_NAME = "the name has control characters or is not UTF-8"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a tree and those left out for a reason worth telling, each sorted by path.

    What an ignore file leaves out is in neither.
    """

    files: tuple[FileEntry, ...]
    skips: tuple[Skip, ...]


def walk(
    root: Path,
    *,
    leave_out: Collection[Path] = (),
    kinds: Mapping[str, int] | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_folder: Callable[[str], None] | None = None,
) -> Listing:
    """List a folder, or a single file, whose path is then its name. The same tree always gives the same listing.

    Folders in ``leave_out`` are not entered. With ``kinds``, only files of these suffixes (lower case, with the dot)
    are taken, also binary ones, each up to the bytes that stand there. ``on_progress`` gets the number of files listed
    so far, ``on_folder`` the absolute path of each folder before it is listed. Raises PathNotFoundError if the root is
    no file or folder.
    """
    place = Path(os.path.realpath(root))
    state = _root_state(root, place)
    found = _Walk(place, frozenset(map(os.path.realpath, leave_out)), kinds, on_progress, on_folder)
    if stat.S_ISDIR(state.st_mode):
        found.folders()
    else:
        found.file(place.name, place.name, state)
    return found.listing()


def _root_state(root: Path, place: Path) -> os.stat_result:
    try:
        state = place.lstat()
    except OSError as error:
        raise PathNotFoundError(f"cannot open {root}: {error.strerror}", "Give an existing file or folder") from error
    if not stat.S_ISDIR(state.st_mode) and not stat.S_ISREG(state.st_mode):
        raise PathNotFoundError(f"{root} is neither a file nor a folder", "Give an existing file or folder")
    return state


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed."""

    place: str
    """Where it is on disk."""
    path: str
    """Where it is below the root; empty for the root."""
    outer: Scope
    """The rules of the folder that holds it."""


class _Walk:
    """One walk: what was found so far."""

    def __init__(
        self,
        root: Path,
        leave_out: frozenset[str],
        kinds: Mapping[str, int] | None,
        on_progress: Callable[[int], None] | None,
        on_folder: Callable[[str], None] | None,
    ) -> None:
        self._root = root
        self._kinds = kinds
        self._leave_out = leave_out
        self._on_progress = on_progress
        self._on_folder = on_folder
        self._reported = 0
        self._files: list[FileEntry] = []
        self._skips: list[Skip] = []

    def listing(self) -> Listing:
        if self._on_progress is not None:
            self._on_progress(len(self._files))
        by_path = attrgetter("path")  # ten times faster than comparing whole entries
        return Listing(tuple(sorted(self._files, key=by_path)), tuple(sorted(self._skips, key=by_path)))

    def folders(self) -> None:
        pending = [_Folder(str(self._root), "", scope_above(self._root))]
        while pending:
            pending += self._visit(pending.pop())
            self._report()

    def file(self, name: str, path: str, state: os.stat_result) -> None:
        limit = self._limit(name)
        if not limit:
            return
        reason = SkipReason.UNREADABLE if _UNPRINTABLE.search(path) else self._reason(name)
        if reason is not None:
            self._skip(path, reason, _BAD_NAME if reason is SkipReason.UNREADABLE else "")
        elif state.st_size == 0:
            self._skip(path, SkipReason.EMPTY)
        elif state.st_size > limit:
            self._skip(path, SkipReason.TOO_LARGE, f"{state.st_size:,} bytes")
        else:
            self._files.append(FileEntry(path, state.st_size, state.st_mtime_ns))

    def _limit(self, name: str) -> int:
        """Return how many bytes a file of this name may have, 0 where it is no part of the corpus."""
        if self._kinds is None:
            return MAX_FILE_BYTES
        return self._kinds.get(PurePosixPath(name).suffix.lower(), 0)

    def _reason(self, name: str) -> SkipReason | None:
        reason = by_name(name)
        return None if self._kinds is not None and reason is SkipReason.BINARY else reason

    def _visit(self, folder: _Folder) -> list[_Folder]:
        """List one folder; return those of its folders that are to be listed."""
        if self._on_folder is not None:
            self._on_folder(folder.place)
        try:
            with os.scandir(folder.place) as listed:
                entries = list(listed)
        except OSError as error:
            self._skip(folder.path or ".", SkipReason.UNREADABLE, error.strerror or "")
            return []
        names = {entry.name for entry in entries}
        if folder.path and _is_pruned(folder, names):
            return []
        scope = folder.outer
        if not RULE_ENTRIES.isdisjoint(names):
            scope = scope.enter(Path(folder.place), folder.path, names)
        prefix = folder.path + "/" if folder.path else ""
        found = [self._add(entry, prefix + entry.name, scope) for entry in entries if entry.name != GIT_ENTRY]
        return [inner for inner in found if inner is not None]

    def _add(self, entry: os.DirEntry[str], path: str, scope: Scope) -> _Folder | None:
        """Take in one entry; return it if it is a folder to be listed."""
        try:
            if entry.is_dir(follow_symlinks=False):
                return self._folder(entry, path, scope)
            if not scope.ignores_file(entry.name, path):
                if entry.is_symlink():
                    self._link(entry.path, path)
                elif entry.is_file(follow_symlinks=False):
                    self.file(entry.name, path, entry.stat(follow_symlinks=False))
        except OSError as error:
            self._skip(path, SkipReason.UNREADABLE, error.strerror or "")
        return None

    def _folder(self, entry: os.DirEntry[str], path: str, scope: Scope) -> _Folder | None:
        if entry.path in self._leave_out or scope.ignores_folder(entry.name, path):
            return None
        if _UNPRINTABLE.search(entry.name):
            self._skip(path, SkipReason.UNREADABLE, _BAD_NAME)
            return None
        return _Folder(entry.path, path, scope)

    def _link(self, place: str, path: str) -> None:
        """Leave out a link: what it points at is listed itself if it lies inside, and not asked for if it does not."""
        target = os.path.realpath(place)
        if not Path(target).is_relative_to(self._root):
            self._skip(path, SkipReason.OUTSIDE_ROOT, _printable(target))

    def _skip(self, path: str, reason: SkipReason, detail: str = "") -> None:
        self._skips.append(Skip(_printable(path), reason, detail))

    def _report(self) -> None:
        if self._on_progress is not None and len(self._files) >= self._reported + PROGRESS_STEP:
            self._reported = len(self._files)
            self._on_progress(self._reported)


def _is_pruned(folder: _Folder, names: Collection[str]) -> bool:
    """Tell whether what a folder contains shows that it is not to be searched."""
    if GIT_ENTRY in names and is_worktree(Path(folder.place)):
        return True
    if CACHE_MARKERS.isdisjoint(names):
        return False
    return not folder.outer.reclaims(folder.path.rpartition("/")[2], folder.path)


def _printable(path: str) -> str:
    """Escape what cannot be written on one line of UTF-8."""
    if not _UNPRINTABLE.search(path):
        return path
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
