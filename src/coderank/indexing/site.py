"""An index folder as the place of a migration: live points, a generation that is to follow them, and the backup."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from coderank.errors import REBUILD, WRITABLE, IndexCorruptError, IndexNotWritableError
from coderank.indexing.keeping import InFolder
from coderank.indexing.location import MANIFEST_FILES
from coderank.indexing.manifest import Manifest
from coderank.indexing.removal import remove_folder
from coderank.indexing.succession import number_of
from coderank.store import fingerprint
from coderank.store.duplicate import copy_folder
from coderank.store.edge import EdgeStore
from coderank.store.edge_points import open_edge_points
from coderank.store.edge_shard import BUSY_TIMEOUT_S, EMPTY_BYTES, RESERVE_BYTES
from coderank.store.layout import SHARD
from coderank.store.lease import Lease
from coderank.store.quantization import TURBO
from coderank.store.room import Space, bytes_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from coderank.indexing.succession import Succession
    from coderank.store.edge_points import EdgePoints
    from coderank.store.raw import PointId

RESERVE = RESERVE_BYTES + EMPTY_BYTES
"""Free disk without which the engine makes no new shard."""
SAMPLE = 64
"""Points of a backup that are read and compared."""


class IndexSite:
    """Where the index of one root lives. Safe to use again after a kill at any moment."""

    locks = True
    """Whoever writes holds the lock that `quiet` takes."""

    def __init__(self, succession: Succession, *, cut_anew: bool = False) -> None:
        """Take both generations; the new one has a manifest of its own where its points are ``cut_anew``."""
        self.label = succession.label
        """What the user calls the index."""
        self._succession = succession
        self._home = succession.home
        self._cut_anew = cut_anew
        self._old_folder, self._new_folder = map(succession.folder_of, (succession.old, succession.new))
        self._dimension = succession.new.fingerprint.dimension
        self._live = open_edge_points(self._old_folder, verify=succession.check_live)
        self._shadow = open_edge_points(self._new_folder, dimension=self._dimension)

    @property
    def _backup(self) -> Path:
        return self._home.folder / f"backup-{number_of(self._succession.old.generation)}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other migrations of the index out. Raises IndexBusyError where one is at work."""
        with self._succession.alone():
            try:
                yield
            finally:
                self.close()

    def live(self) -> EdgePoints:
        """Give the points in use."""
        return self._live

    def shadow(self) -> EdgePoints:
        """Give the points that are to follow; the first write makes them."""
        return self._shadow

    def space(self) -> Space:
        """Say how much room the points take, and how much there is."""
        free = shutil.disk_usage(self._home.folder).free
        return Space(bytes_on_disk(self._old_folder / SHARD), free, str(self._backup), str(self._new_folder), RESERVE)

    def back_up(self) -> str:
        """Copy the points in use and their manifest aside, and compare the copy; does nothing where one is whole.

        The copy is an index folder: ``coderank search --index-dir`` opens it. Raises IndexCorruptError where points
        were lost: what is moved must be whole.
        """
        if not self._backup.exists():
            draft = self._backup.with_name(f"{self._backup.name}.new")
            try:
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                with self.quiet():
                    self._copy(draft)
                    self._compare(draft)
                draft.rename(self._backup)
            except OSError as error:
                raise IndexNotWritableError(f"Cannot write {draft}: {error.strerror or error}", WRITABLE) from error
        return str(self._backup)

    def quiet(self) -> AbstractContextManager[None]:
        """Keep syncs out. Raises IndexBusyError where one does not end."""
        return self._succession.quiet()

    def settle(self) -> None:
        """Compact the new points, and make their folder one that can be opened as an index for itself."""
        self._shadow.close()
        if self._new_folder.exists():
            keeper = self._home.keeper
            quantization = keeper.quantization if isinstance(keeper, InFolder) else TURBO
            with closing(EdgeStore(self._new_folder, self._dimension, quantization=quantization)) as store:
                store.optimize()
        self._hand_manifest(whole=True)
        fingerprint.write(self._new_folder, self._succession.new.fingerprint, self._home.root)

    def cut_over(self, *, whole: bool) -> None:
        """Name the new generation in the record of the index. Call it while it is `quiet`."""
        self._succession.check_live()
        self._shadow.close()
        self._hand_manifest(whole=whole)
        self._succession.name(self._succession.new)

    def roll_back(self) -> None:
        """Name the old generation again. What changed on disk since is taken in by the next sync."""
        self._succession.name(self._succession.old)

    def left_behind(self) -> list[PointId]:
        """Name none: only syncs write, and what the points say is in the source."""
        return []

    def drop_old(self) -> int:
        """Delete the old points and the backup, and return the bytes that this gave back."""
        return self._delete(self._succession.old)

    def drop_shadow(self) -> int:
        """Delete the new points and the backup, and return the bytes that this gave back."""
        return self._delete(self._succession.new)

    def close(self) -> None:
        """Release both sides."""
        self._live.close()
        self._shadow.close()

    def _copy(self, draft: Path) -> None:
        old = self._succession.old
        with closing(self._succession.manifest()) as manifest:
            shard = self._old_folder / SHARD
            lease = Lease(self._old_folder)
            lease.acquire(BUSY_TIMEOUT_S)
            try:
                self._succession.check_live()
                if shard.exists():
                    copy_folder(shard, draft / SHARD)
            finally:
                lease.release()
            manifest.copy_to(draft / MANIFEST_FILES[0])
        fingerprint.write(draft, old.fingerprint, self._home.root)

    def _compare(self, draft: Path) -> None:
        """Open the copy and compare it with the points in use, and both with the manifest."""
        with closing(Manifest(draft / MANIFEST_FILES[0])) as manifest:
            chunks, certain = manifest.totals().chunks, not manifest.unfinished()
        if not (draft / SHARD).exists():
            if chunks:
                raise _lost(self.label)
            return
        with closing(open_edge_points(draft)) as copy:
            count = copy.count()
            if certain and count != chunks:
                raise _lost(self.label)
            sample = next(copy.pages(vectors=True, size=SAMPLE), [])
            theirs = self._live.retrieve([point.id for point in sample], vectors=False)
            if count != self._live.count() or [point.payload for point in sample] != [one.payload for one in theirs]:
                raise IndexCorruptError(f"The backup {draft} differs from the index", "Run the command again")

    def _hand_manifest(self, *, whole: bool) -> None:
        if self._cut_anew:
            return
        with closing(EdgeStore(self._new_folder, self._dimension)) as store:
            dense = store.counts().dense
        self._succession.hand_manifest(dense, whole=whole)

    def _delete(self, unused: fingerprint.IndexRecord) -> int:
        self._succession.check_unused(unused)
        self.close()
        before = bytes_on_disk(self._home.folder)
        with closing(EdgeStore(self._home.folder / unused.generation, unused.fingerprint.dimension)) as store:
            store.erase()
        self._succession.forget(unused)
        for leftover in (self._backup, self._backup.with_name(f"{self._backup.name}.new")):
            remove_folder(leftover)
        return max(0, before - bytes_on_disk(self._home.folder))


def _lost(label: str) -> IndexCorruptError:
    return IndexCorruptError(f"The index of {label} has lost chunks", REBUILD)
