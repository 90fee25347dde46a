"""Decide from a directory listing and the manifest which files need work. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.indexing.manifest import WRITING
from coderank.types import SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coderank.indexing.manifest import FileRow, SkipRow
    from coderank.types import FileEntry

RACY_NS = 2_000_000_000
"""A file modified this shortly before it was read may have changed again within the same time stamp (git's "racily
clean"). Two seconds is the coarsest stamp in use, that of FAT."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync has to do. Every tuple is in path order."""

    to_read: tuple[FileEntry, ...]
    """New or modified files, and those whose points may be half written."""
    to_verify: tuple[FileEntry, ...]
    """Files that look unchanged but were read too soon after they were modified to be sure."""
    deleted: tuple[str, ...]
    """Indexed files that no longer exist."""
    forgotten: tuple[str, ...]
    """Files that were left out and no longer exist."""
    unchanged: int
    """Number of files that need no look."""

    @property
    def changed(self) -> int:
        """Number of files that differ from the index as far as the listing can tell."""
        return len(self.to_read) + len(self.deleted)

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.to_read or self.to_verify or self.deleted or self.forgotten)


def settled(mtime_ns: int, read_ns: int) -> bool:
    """Tell whether a file read at ``read_ns`` cannot have changed since without another time stamp."""
    return mtime_ns < read_ns - RACY_NS


def make_plan(entries: Iterable[FileEntry], files: Iterable[FileRow], skips: Iterable[SkipRow]) -> Plan:
    """Compare the listing with the manifest."""
    indexed = {row.path: row for row in files}
    left_out = {row.path: row for row in skips}
    to_read: list[FileEntry] = []
    to_verify: list[FileEntry] = []
    unchanged = 0
    for entry in entries:
        row = indexed.pop(entry.path, None) or left_out.pop(entry.path, None)
        if row is None or (row.size, row.mtime_ns) != (entry.size, entry.mtime_ns) or row.state == WRITING:
            to_read.append(entry)
        elif row.state == SkipReason.UNREADABLE or not settled(row.mtime_ns, row.read_ns):
            to_verify.append(entry)  # a permission changes without a new modification time
        else:
            unchanged += 1
    return Plan(
        tuple(sorted(to_read)), tuple(sorted(to_verify)), tuple(sorted(indexed)), tuple(sorted(left_out)), unchanged
    )
