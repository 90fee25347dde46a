"""Phase one: bring the lexical index up to the tree. Short, one process at a time, resumable after a kill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.corpus.identity import point_ids
from coderank.errors import REBUILD, IndexBusyError, IndexCorruptError
from coderank.indexing.early import EarlyVectors
from coderank.indexing.lock import held
from coderank.indexing.manifest import DONE, FileRow, SkipRow
from coderank.indexing.plan import settled
from coderank.indexing.survey import survey
from coderank.indexing.write import FileChange, write
from coderank.types import IndexPhase, Progress, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from coderank.indexing.manifest import Manifest
    from coderank.indexing.parts import Parts
    from coderank.indexing.survey import Survey
    from coderank.store.contract import Store
    from coderank.types import FileEntry

BATCH_CHUNKS = 1000
"""Chunks written at once: a few MB of text, and few enough that a kill loses little work."""
BATCH_FILES = 256
"""Files written at once where they have few chunks, or none."""
LOCK_TIMEOUT_S = 600.0
"""How long to wait for another process's sync: the first one of a very large tree takes minutes."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did."""

    changed_files: int = 0
    deleted_files: int = 0
    reused_vectors: int = 0
    embedded_chunks: int = 0
    skips: tuple[Skip, ...] = ()
    """Every file left out, in path order."""


def sync(parts: Parts, on_progress: Callable[[Progress], None] | None = None) -> SyncResult:
    """Bring the points of the store up to the tree; touch nothing where they are.

    Raises IndexBusyError, IndexNotWritableError, IndexCorruptError and what the store raises.
    """
    if parts.manifest.totals().chunks and not parts.store.exists:
        parts.manifest.begin_all()  # what it says was written is gone
    if not parts.manifest.totals().files or parts.manifest.lossy():
        _look_for_others(parts)
    seen = _survey(parts, on_progress)
    if not seen.plan and not parts.manifest.lossy():
        return SyncResult(skips=_all_skips(seen, ()))
    with held(parts.folder / "sync.lock", LOCK_TIMEOUT_S) as mine:
        if not mine:
            raise IndexBusyError(f"Another process has been indexing {parts.tree.name} for minutes", "Try again later")
        parts.check_to_write()
        if parts.manifest.revision() != seen.revision:
            seen = _survey(parts, on_progress)
        result = _Sync(parts, seen, on_progress).run()
        if result.changed_files or result.deleted_files or parts.manifest.lossy():
            result = _checked(parts, result, on_progress)
    return result


def _survey(parts: Parts, on_progress: Callable[[Progress], None] | None) -> Survey:
    return survey(parts.tree, parts.manifest, on_progress)


def _checked(parts: Parts, result: SyncResult, on_progress: Callable[[Progress], None] | None) -> SyncResult:
    """Repair a store that lost points (a power cut, a deleted folder) by comparing every file with it once."""
    if _consistent(parts):
        return result
    parts.manifest.begin_all()
    _look_for_others(parts)
    repaired = _Sync(parts, _survey(parts, on_progress), on_progress).run()
    if not _consistent(parts):
        parts.manifest.begin_all()
        raise IndexCorruptError(
            f"The index of {parts.tree.name} and its manifest hold different numbers of chunks", REBUILD
        )
    return repaired


def _look_for_others(parts: Parts) -> None:
    """Take files into account of which the store has points by somebody else's hand, so that these are compared too."""
    if parts.store.exists:
        parts.manifest.begin_others(parts.store.paths())


def consistent(manifest: Manifest, store: Store) -> bool:
    """Tell whether the store has the chunks that the manifest says it has, while other processes may be at work."""
    revision = manifest.revision()
    if manifest.lossy():
        return False
    if store.counts().points == manifest.totals().chunks:
        return True
    # A writer marks files, writes their points, then takes the marks away and counts the revision up at once: whoever
    # asked in the other order could miss both.
    return manifest.unfinished() or manifest.revision() != revision


def _consistent(parts: Parts) -> bool:
    counts = parts.store.counts()
    parts.manifest.count_dense(counts.dense)
    if counts.points != parts.manifest.totals().chunks:
        return False
    if parts.manifest.lossy():
        parts.manifest.mark_whole()
    return True


class _Sync:
    def __init__(self, parts: Parts, seen: Survey, on_progress: Callable[[Progress], None] | None) -> None:
        self._parts = parts
        self._seen = seen
        self._on_progress = on_progress
        self._touched: list[FileRow] = []
        self._left: list[SkipRow] = []
        self._skips: list[SkipRow] = []

    def run(self) -> SyncResult:
        plan, parts = self._seen.plan, self._parts
        changed = reused = embedded = 0
        with EarlyVectors(parts.early) as early:
            for batch in _batches(self._changes(early)):
                written = write(batch, parts, early)
                reused, embedded = reused + written.reused, embedded + written.embedded
                changed += len(batch)
        if self._touched or self._left or plan.forgotten:
            parts.manifest.touch(self._touched, self._left, plan.forgotten)
        deleted = len(plan.deleted)
        return SyncResult(changed - deleted, deleted, reused, embedded, _all_skips(self._seen, self._skips))

    def _changes(self, early: EarlyVectors) -> Iterator[FileChange]:
        """Read the files in question, and yield those whose points have to change."""
        plan = self._seen.plan
        entries = sorted(plan.to_read + plan.to_verify)
        for done, entry in enumerate(entries, start=1):
            change = self._change(entry)
            if change is not None:
                early.begin(change.chunks)
                yield change
            if self._on_progress:
                self._on_progress(Progress(IndexPhase.READ, done, len(entries)))
        for path in plan.deleted:
            yield FileChange(path, known=True)

    def _change(self, entry: FileEntry) -> FileChange | None:
        row = self._seen.files.get(entry.path)
        content = self._parts.tree.read(entry)
        if isinstance(content, Skip):
            return self._leave(entry, content, known=row is not None)
        if row and row.state == DONE and row.digest == content.digest:
            self._touch(entry, row)
            return None
        chunks = content.cut()
        by_id = dict(zip(point_ids(chunks), chunks, strict=True))
        language = chunks[0].language if chunks else ""
        new = FileRow(entry.path, entry.size, entry.mtime_ns, self._seen.read_ns, content.digest, len(by_id), language)
        return FileChange(entry.path, row=new, chunks=by_id, known=row is not None)

    def _leave(self, entry: FileEntry, skip: Skip, *, known: bool) -> FileChange | None:
        old = self._seen.skips.get(entry.path)
        new = SkipRow(entry.path, entry.size, entry.mtime_ns, self._seen.read_ns, skip.reason, skip.detail)
        self._skips.append(new)
        if known:
            return FileChange(entry.path, skip=new, known=True)
        if old is None or _differs(old, new):
            self._left.append(new)
        return None

    def _touch(self, entry: FileEntry, row: FileRow) -> None:
        new = row._replace(size=entry.size, mtime_ns=entry.mtime_ns, read_ns=self._seen.read_ns)
        if _differs(row, new):
            self._touched.append(new)


def _differs(old: FileRow | SkipRow, new: FileRow | SkipRow) -> bool:
    """Tell whether a row is worth writing: a later reading alone is, once it makes the file certain."""
    return old._replace(read_ns=0) != new._replace(read_ns=0) or settled(new.mtime_ns, new.read_ns)


def _batches(changes: Iterable[FileChange]) -> Iterator[list[FileChange]]:
    batch: list[FileChange] = []
    chunks = 0
    for change in changes:
        batch.append(change)
        chunks += len(change.chunks)
        if chunks >= BATCH_CHUNKS or len(batch) >= BATCH_FILES:
            yield batch
            batch, chunks = [], 0
    if batch:
        yield batch


def _all_skips(seen: Survey, read_now: Iterable[SkipRow]) -> tuple[Skip, ...]:
    looked_at = {entry.path for entry in seen.plan.to_read + seen.plan.to_verify}
    gone = looked_at.union(seen.plan.forgotten)
    kept = [row.skip() for path, row in seen.skips.items() if path not in gone]
    return tuple(sorted([*seen.left_out, *kept, *(row.skip() for row in read_now)]))
