"""Two generations of an index, of which one is to follow the other: the record that names them, and their manifests."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from coderank.errors import (
    INDEX,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
)
from coderank.indexing.location import MANIFEST_FILES
from coderank.indexing.lock import held
from coderank.indexing.manifest import Manifest
from coderank.indexing.removal import remove_folder
from coderank.store import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coderank.indexing.generation import Home
    from coderank.store.fingerprint import IndexRecord

LOCK_TIMEOUT_S = 600.0
"""How long to wait for another process's sync, as a sync does."""


class Succession:
    """What a migration changes of an index folder, wherever the points are. Every method can be repeated."""

    def __init__(self, home: Home, label: str, old: IndexRecord, new: IndexRecord) -> None:
        """Take the records of the generation that is in use when the migration begins, and of the one to follow."""
        self.home = home
        self.label = label
        self.old = old
        self.new = new

    def folder_of(self, record: IndexRecord) -> Path:
        """Return the folder of a generation."""
        return self.home.folder / record.generation

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other migrations of the index out. Raises IndexBusyError where one is at work."""
        with held(self.home.folder / "migrate.lock", 0.0) as mine:
            if not mine:
                raise IndexBusyError(f"Another process is migrating {self.label}", "Wait for it to end")
            yield

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep syncs out. Raises IndexBusyError where one does not end."""
        with held(self.home.folder / "sync.lock", LOCK_TIMEOUT_S) as mine:
            if not mine:
                raise IndexBusyError(f"Another process has been indexing {self.label} for minutes", "Try again later")
            yield

    def check_live(self) -> None:
        """Refuse to go on where the index is another than when the migration began."""
        found = fingerprint.read(self.home.folder)
        if (found.fingerprint, found.generation) != (self.old.fingerprint, self.old.generation):
            raise IndexIncompatibleError(
                f"The index of {self.label} is not the one that this migration began with",
                f"Begin anew: coderank migrate {INDEX} --force, with the model of before",
            )

    def manifest(self) -> Manifest:
        """Open the manifest of the generation in use; the caller closes it."""
        return Manifest(self.folder_of(self.old) / MANIFEST_FILES[0])

    def hand_manifest(self, dense: int, *, whole: bool) -> None:
        """Give the new generation the manifest of the old one: the same files, cut alike, at the same revision.

        ``dense`` of its points have a vector; ``whole``: all that are to have one.
        """
        folder = self.folder_of(self.new)
        folder.mkdir(parents=True, exist_ok=True)
        with closing(self.manifest()) as manifest:
            manifest.copy_to(folder / MANIFEST_FILES[0])
        with closing(Manifest(folder / MANIFEST_FILES[0])) as manifest:
            manifest.count_dense(dense)
            manifest.mark_filled(manifest.revision() if whole else -1)

    def name(self, record: IndexRecord) -> None:
        """Name one of the two in the record of the index: from now on it is the one in use."""
        fingerprint.write(self.home.folder, record.fingerprint, self.home.root, record.generation)

    def check_unused(self, record: IndexRecord) -> None:
        """Refuse to delete the points in use."""
        if fingerprint.read(self.home.folder).generation == record.generation:
            raise IndexCorruptError(f"The points of {self.label} are in use", "Nothing was deleted")

    def forget(self, record: IndexRecord) -> None:
        """Delete the manifest of a generation, and its folder if it has one of its own."""
        folder = self.folder_of(record)
        for name in MANIFEST_FILES:
            (folder / name).unlink(missing_ok=True)
        if record.generation:
            remove_folder(folder)


def number_of(generation: str) -> int:
    """Return which generation of its index one is; the folder itself is the first."""
    return int(generation.rpartition("-")[2]) if generation else 1


def next_generation(folder: Path, current: str) -> str:
    """Name a generation that no index folder of this name holds yet."""
    taken = {number_of(current), *(number_of(found.name) for found in folder.glob("generation-[1-9]*"))}
    return f"generation-{max(taken) + 1}"
