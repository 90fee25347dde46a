"""An index folder as the place of a migration: live points, a generation that is to follow them, and the backup."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from coderank.errors import (
    INDEX,
    REBUILD,
    WRITABLE,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
)
from coderank.indexing.keeping import InFolder
from coderank.indexing.location import MANIFEST_FILES, foreign_files
from coderank.indexing.lock import held
from coderank.indexing.manifest import Manifest
from coderank.store import fingerprint
from coderank.store.duplicate import copy_folder
from coderank.store.edge import BUSY_TIMEOUT_S, EdgeStore
from coderank.store.edge_points import SHARD, open_edge_points
from coderank.store.edge_shard import EMPTY_BYTES, RESERVE_BYTES
from coderank.store.lease import Lease
from coderank.store.quantization import TURBO
from coderank.store.room import Space, bytes_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coderank.indexing.generation import Home
    from coderank.store.edge_points import EdgePoints

LOCK_TIMEOUT_S = 600.0
"""How long to wait for another process's sync, as a sync does."""
RESERVE = RESERVE_BYTES + EMPTY_BYTES
"""Free disk without which the engine makes no new shard."""
SAMPLE = 64
"""Points of a backup that are read and compared."""


class IndexSite:
    """Where the index of one root lives. Safe to use again after a kill at any moment."""

    locks = True
    """Whoever writes holds the lock that `quiet` takes."""

    def __init__(self, home: Home, label: str, old: fingerprint.IndexRecord, new: fingerprint.IndexRecord) -> None:
        """Take the records of the generation that is in use when the migration begins, and of the one to follow."""
        self.label = label
        """What the user calls the index."""
        self._home = home
        self._old = old
        self._new = new
        self._live = open_edge_points(self._old_folder, verify=self._check_live)
        self._shadow = open_edge_points(self._new_folder, dimension=new.fingerprint.dimension)

    @property
    def _old_folder(self) -> Path:
        return self._home.folder / self._old.generation

    @property
    def _new_folder(self) -> Path:
        return self._home.folder / self._new.generation

    @property
    def _backup(self) -> Path:
        return self._home.folder / f"backup-{number_of(self._old.generation)}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other migrations of the index out. Raises IndexBusyError where one is at work."""
        with held(self._home.folder / "migrate.lock", 0.0) as mine:
            if not mine:
                raise IndexBusyError(f"Another process is migrating {self.label}", "Wait for it to end")
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

        The copy is an index folder: ``coderank search --index-dir`` opens it.
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

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep syncs out. Raises IndexCorruptError where points were lost: what is moved must be whole."""
        with held(self._home.folder / "sync.lock", LOCK_TIMEOUT_S) as mine:
            if not mine:
                raise IndexBusyError(f"Another process has been indexing {self.label} for minutes", "Try again later")
            yield

    def settle(self) -> None:
        """Compact the new points, and make their folder one that can be opened as an index for itself."""
        self._shadow.close()
        if self._new_folder.exists():
            keeper, dimension = self._home.keeper, self._new.fingerprint.dimension
            quantization = keeper.quantization if isinstance(keeper, InFolder) else TURBO
            with closing(EdgeStore(self._new_folder, dimension, quantization=quantization)) as store:
                store.optimize()
        self._follow_manifest(whole=True)
        fingerprint.write(self._new_folder, self._new.fingerprint, self._home.root)

    def cut_over(self, *, whole: bool) -> None:
        """Name the new generation in the record of the index. Call it while it is `quiet`."""
        self._check_live()
        self._shadow.close()
        self._follow_manifest(whole=whole)
        fingerprint.write(self._home.folder, self._new.fingerprint, self._home.root, self._new.generation)

    def roll_back(self) -> None:
        """Name the old generation again. What changed on disk since is taken in by the next sync."""
        fingerprint.write(self._home.folder, self._old.fingerprint, self._home.root, self._old.generation)

    def drop_old(self) -> int:
        """Delete the old points and the backup, and return the bytes that this gave back."""
        return self._delete(self._old)

    def drop_shadow(self) -> int:
        """Delete the new points and the backup, and return the bytes that this gave back."""
        return self._delete(self._new)

    def close(self) -> None:
        """Release both sides."""
        self._live.close()
        self._shadow.close()

    def _check_live(self) -> None:
        """Refuse to go on where the index is another than when the migration began."""
        found = fingerprint.read(self._home.folder)
        if (found.fingerprint, found.generation) != (self._old.fingerprint, self._old.generation):
            raise IndexIncompatibleError(
                f"The index of {self.label} is not the one that this migration began with",
                f"Begin anew: coderank migrate {INDEX} --force, with the model of before",
            )

    def _manifest(self) -> Manifest:
        return Manifest(self._old_folder / MANIFEST_FILES[0])

    def _copy(self, draft: Path) -> None:
        with closing(self._manifest()) as manifest:
            shard = self._old_folder / SHARD
            lease = Lease(self._old_folder)
            lease.acquire(BUSY_TIMEOUT_S)
            try:
                self._check_live()
                if shard.exists():
                    copy_folder(shard, draft / SHARD)
            finally:
                lease.release()
            manifest.copy_to(draft / MANIFEST_FILES[0])
        fingerprint.write(draft, self._old.fingerprint, self._home.root)

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

    def _follow_manifest(self, *, whole: bool) -> None:
        """Give the new generation the manifest of the old one: the same files, cut alike, at the same revision."""
        self._new_folder.mkdir(exist_ok=True)
        file = self._new_folder / MANIFEST_FILES[0]
        with closing(self._manifest()) as manifest:
            manifest.copy_to(file)
        with closing(EdgeStore(self._new_folder, self._new.fingerprint.dimension)) as store:
            dense = store.counts().dense
        with closing(Manifest(file)) as manifest:
            manifest.count_dense(dense)
            manifest.mark_filled(manifest.revision() if whole else -1)

    def _delete(self, unused: fingerprint.IndexRecord) -> int:
        in_use = fingerprint.read(self._home.folder).generation
        if in_use == unused.generation:
            raise IndexCorruptError(f"The points of {self.label} are in use", "Nothing was deleted")
        self.close()
        folder = self._home.folder / unused.generation
        before = bytes_on_disk(self._home.folder)
        with closing(EdgeStore(folder, unused.fingerprint.dimension)) as store:
            store.erase()
        for name in MANIFEST_FILES:
            (folder / name).unlink(missing_ok=True)
        for leftover in (
            folder if unused.generation else None,
            self._backup,
            self._backup.with_name(f"{self._backup.name}.new"),
        ):
            if leftover is not None:
                _remove(leftover)
        return max(0, before - bytes_on_disk(self._home.folder))


def number_of(generation: str) -> int:
    """Return which generation of its index one is; the folder itself is the first."""
    return int(generation.rpartition("-")[2]) if generation else 1


def next_generation(folder: Path, current: str) -> str:
    """Name a generation that no index folder of this name holds yet."""
    taken = {number_of(current), *(number_of(found.name) for found in folder.glob("generation-[1-9]*"))}
    return f"generation-{max(taken) + 1}"


def _remove(folder: Path) -> None:
    if not folder.exists():
        return
    foreign = foreign_files(folder)
    if foreign:
        raise IndexCorruptError(f"{folder} holds files that are not of an index: {foreign[0]}", "Move them away")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise IndexNotWritableError(f"Cannot delete {folder}: {error.strerror or error}", WRITABLE) from error


def _lost(label: str) -> IndexCorruptError:
    return IndexCorruptError(f"The index of {label} has lost chunks", REBUILD)
