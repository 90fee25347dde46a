"""One generation of an index: points and manifest that belong together, with the model they were made by."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from coderank.corpus.header import HEADER_VERSION
from coderank.errors import INDEX, REBUILD, IndexCorruptError, IndexIncompatibleError, IndexNotFoundError, UsageError
from coderank.indexing.claim import Claim
from coderank.indexing.keeping import InFolder
from coderank.indexing.location import MANIFEST_FILES
from coderank.store.contract import Counts
from coderank.store.room import bytes_on_disk
from coderank.types import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from coderank.embedding.contract import Embedder
    from coderank.indexing.keeping import Keeper
    from coderank.indexing.manifest import Manifest, Totals
    from coderank.indexing.parts import Early
    from coderank.indexing.run import Indexer
    from coderank.indexing.tree import Tree
    from coderank.models.catalogue import Model
    from coderank.settings import Settings
    from coderank.store.contract import KeptStore
    from coderank.store.fingerprint import Fingerprint
    from coderank.store.raw import RawPoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What all generations of one index share."""

    tree: Tree
    """What is indexed."""
    root: Path
    """Its absolute path."""
    folder: Path
    """The index folder: its record names the generation that is in use, and its locks are for all."""
    settings: Settings
    embedder: Callable[[Model], Embedder] = field(repr=False)
    """Opens a model when the first vector is needed."""
    keeper: Keeper = field(default_factory=InFolder, repr=False)
    """Opens the points."""
    static: Model | None = None
    """The table whose vectors stand in for those that are not there yet; None for none."""


class Generation:
    """Opens what it is asked for at the first use; nothing is created, locked or loaded before. Safe among threads."""

    ours = True
    """Whether coderank writes the points."""

    def __init__(self, home: Home, model: Model, name: str = "", *, as_cut: Fingerprint | None = None) -> None:
        """Take what was found out; ``name`` is the generation's folder below the index folder, empty for that.

        ``as_cut`` is the record of one that is only read, by whichever rules it was cut.
        """
        self.model = model
        self.claim = Claim(home.folder, home.root, model, name, as_cut)
        self.home = home
        """What it shares with the generations before and after."""
        self._folder = home.folder / name
        self._whole_at = -1
        """Revision at which the store was last found to hold what the manifest says."""

    @property
    def only_read(self) -> bool:
        """Whether a store is open to which nothing was written."""
        return "store" in self.__dict__ and self.store.only_read

    @cached_property
    def store(self) -> KeptStore:
        """The points."""
        # Checked whenever it is opened again: another process may have rebuilt it with another model.
        return self.home.keeper.store(self._folder, self.model, self.claim.check, self._check_empty)

    @cached_property
    def manifest(self) -> Manifest:
        """What the points are of."""
        from coderank.indexing.manifest import Manifest  # noqa: PLC0415

        return Manifest(self._folder / MANIFEST_FILES[0])

    @cached_property
    def indexer(self) -> Indexer:
        """What brings both up to the tree."""
        from coderank.indexing.parts import Parts  # noqa: PLC0415 - not needed to search
        from coderank.indexing.run import Indexer  # noqa: PLC0415
        from coderank.indexing.vector_cache import VectorCache  # noqa: PLC0415

        home = self.home
        cache = VectorCache(
            home.settings.cache_dir / f"vectors-{self.model.file_stem}-h{HEADER_VERSION}.db", self.model.dimension
        )
        return Indexer(
            Parts(
                tree=home.tree,
                folder=home.folder,
                manifest=self.manifest,
                store=self.store,
                cache=cache,
                embedder=self.embedder,
                early=self._early(),
                check=self.claim.check,
                check_to_write=self.claim.check_to_write,
            )
        )

    def embedder(self) -> Embedder:
        """Open the model."""
        return self.home.embedder(self.model)

    @property
    def stand_in(self) -> Model | None:
        """The table whose vectors stand in for those of the model until they are there; None for none."""
        return None if self.model.is_static else self.home.static

    def static_embedder(self) -> Embedder:
        """Open the table whose vectors points get while their files are read."""
        return self.home.embedder(self.stand_in or self.model)

    def _early(self) -> Early | None:
        from coderank.indexing.parts import Early  # noqa: PLC0415 - not needed to search

        has_table = self.model.is_static or self.stand_in is not None
        return Early(self.static_embedder, is_own=self.model.is_static) if has_table else None

    def counts(self) -> Counts:
        """Tell how many points have a vector of the model, and of its stand-in; of the first as when last counted."""
        if self.stand_in is not None:
            return self.store.counts()  # remembered while the store is open
        totals = self.known()
        return Counts(totals.chunks, totals.dense)

    def expected(self) -> Counts:
        """Tell the same without opening the points: every point has a vector of the stand-in, if there is one."""
        totals = self.known()
        return Counts(totals.chunks, totals.dense, totals.chunks if self.stand_in else 0)

    def refresh(self) -> None:
        """Fetch what the tree is a copy of. Raises SourceUnavailableError."""
        self.home.tree.refresh()

    def make(self) -> None:
        """Make the folder an index of this root and model, or check that it is one."""
        # An index of a model that cannot run would be in the way of one that can.
        may_lack = self.model.weights != "bundled" or self.model.is_static
        self.claim.meet(before=self.embedder if may_lack else lambda: None)

    def is_met(self) -> bool:
        """Tell whether there is an index, which is checked."""
        return self.claim.is_met()

    def known(self) -> Totals:
        """Tell how much is indexed, without looking whether all of it is there."""
        return self.manifest.totals()

    def totals(self) -> Totals:
        """Tell how much is indexed; refuse an index that is not there or has lost points."""
        return self.whole_manifest().totals()

    def paths(self) -> Iterable[str]:
        """Give the path of every indexed file."""
        return (row.path for row in self.manifest.files())

    def points(self) -> RawPoints:
        """Open the points as they were written, to be closed by the caller."""
        return self.home.keeper.points(self._folder, self.claim.check)

    def status(self) -> Status:
        """Compare the index with its tree. Raises what `Engine.status` raises."""
        from coderank.indexing.survey import survey  # noqa: PLC0415 - not needed to search

        manifest = self.indexed_manifest()
        if manifest.lossy():
            raise self.lost()
        if manifest.totals().chunks and not self.store.exists:
            self.store.counts()  # which raises, unless another process is just building the index anew
        seen = survey(self.home.tree, manifest)
        totals = manifest.totals()
        skips = [*seen.left_out, *(row.skip() for row in manifest.skips())]
        return Status(
            root=self.home.tree.name,
            index_dir=str(self.home.folder),
            model=self.model.name,
            files=totals.files,
            chunks=totals.chunks,
            dense_coverage=totals.coverage,
            languages=manifest.languages(),
            skips=tuple(sorted(skips)),
            bytes_on_disk=bytes_on_disk(self.home.folder),
            changed_since=seen.plan.changed,
        )

    def indexed_manifest(self) -> Manifest:
        """Give the manifest of an index that is there; raise IndexNotFoundError if there is none."""
        if not self.claim.is_met():
            raise IndexNotFoundError(f"{self.home.tree.name} was never indexed", f"Run: coderank index {INDEX}")
        return self.manifest

    def whole_manifest(self) -> Manifest:
        """Refuse an index of which points are lost: that nothing is found must mean that nothing is there."""
        from coderank.indexing.sync import consistent  # noqa: PLC0415 - not needed to tell the status

        manifest = self.indexed_manifest()
        revision = manifest.revision()
        if revision != self._whole_at:
            if not consistent(manifest, self.store):
                raise self.lost()
            self._whole_at = revision
        return manifest

    def lost(self) -> IndexCorruptError:
        """Make the error of an index that does not hold what it should."""
        return IndexCorruptError(f"The index of {self.home.tree.name} has lost chunks", REBUILD)

    def take_over(self) -> None:
        """Be the one that indexes points on a server, whoever it was: the next sync compares every file with them.

        Raises UsageError where nobody else can write them.
        """
        if not self.home.keeper.shared:
            raise UsageError(
                f"{self.home.tree.name} is indexed into a folder of this machine, which nobody else writes to",
                "Leave --take-over out",
            )
        self.make()
        self.manifest.begin_all()  # before: else a kill in between would leave a claim on points that nobody compared
        self.store.take_over()

    def erase(self) -> None:
        """Delete every point, and forget every file, whatever the record in the index folder says."""
        self.close()
        self.store.erase(then=self._start_anew)
        self.close()

    def release(self) -> None:
        """Let other processes at the points; threads that are at work go on."""
        if "store" in self.__dict__:
            self.store.close()

    def close(self) -> None:
        """Release everything to other processes at once. It can be used again."""
        for part in ("store", "manifest"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()
        self._whole_at = -1
        self.__dict__.pop("indexer", None)

    def _check_empty(self) -> None:
        """Refuse to take a store that is gone for an empty one, except where a sync is making up for the loss."""
        if self.manifest.totals().chunks and not self.manifest.lossy():
            raise self.lost()

    def _start_anew(self) -> None:
        try:
            # Emptied rather than deleted: other processes have it open, and would go on with a file that is gone.
            self.manifest.clear()
        except (IndexCorruptError, IndexIncompatibleError):
            self.__dict__.pop("manifest", None)
            for name in MANIFEST_FILES:
                (self._folder / name).unlink(missing_ok=True)
        self.claim.renew()
