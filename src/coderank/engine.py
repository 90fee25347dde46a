"""The facade: one engine per indexed root. It wires the parts and holds no algorithm."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from coderank.corpus import grammars
from coderank.corpus.header import HEADER_VERSION
from coderank.errors import (
    INDEX,
    REBUILD,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotFoundError,
    IndexUnusableError,
)
from coderank.indexing.claim import Claim
from coderank.indexing.location import (
    MANIFEST_FILES,
    arguments,
    existing,
    holds_index,
    index_folder,
    remembered,
)
from coderank.loading.choice import BUNDLED_MODEL, embedder, remembered_embedder
from coderank.retrieval.limits import checked_limit, checked_query
from coderank.settings import Settings, expanded
from coderank.store import fingerprint
from coderank.store.room import bytes_on_disk
from coderank.types import IndexInfo, SearchMode, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from coderank.embedding.contract import Embedder
    from coderank.indexing.manifest import Manifest, Totals
    from coderank.indexing.run import Indexer
    from coderank.models.catalogue import Model
    from coderank.reranking.cascade import Cascade
    from coderank.retrieval.answer import Asked, Find
    from coderank.store.edge import EdgeStore
    from coderank.types import IndexReport, Progress, SearchResult


class Engine:
    """Searches one root: a folder, or a single file. Safe to use from several threads and processes.

    ``with Engine.open(path) as engine: engine.index(); hits = engine.search("query", limit=10)``
    """

    def __init__(
        self,
        root: Path,
        label: str,
        folder: Path,
        model: Model,
        settings: Settings,
        *,
        named: str = INDEX,
        one_shot: bool = False,
        download: bool = False,
    ) -> None:
        """Take what `open` found out. Nothing is created, locked or loaded before it is needed."""
        self.root = root
        """Absolute path of what is indexed."""
        self.label = label
        """The folder that hits' paths are relative to, as the caller named it."""
        self.index_dir = folder
        """Where the index lives."""
        self.arguments = named
        """What names this index on the command line, for remedies and hints."""
        self.model = model.name
        """Catalogue name of the embedding model."""
        self._model = model
        self._claim = Claim(folder, root, model)
        self._settings = settings
        self._one_shot = one_shot
        self._download = download
        self._ahead: Embedder | None = None
        self._whole_at = -1
        """Revision at which the store was last found to hold what the manifest says."""

    @classmethod
    def open(
        cls,
        path: str | Path = ".",
        *,
        model: str = "auto",
        index_dir: Path | None = None,
        settings: Settings | None = None,
        one_shot: bool = False,
    ) -> Self:
        """Open the engine of a root, indexed or not.

        An index remembers its model; ``model`` chooses for a new one (``auto``: the setting, then CodeRankEmbed where
        it was exported or has a GPU, then the bundled model). Weights are downloaded only of a model that is named.
        ``one_shot`` says that the process ends after this engine: an index that was only read is left to that end.

        Raises:
            PathNotFoundError: no such file or directory.
            ModelNotFoundError: the catalogue has no such embedder.
            IndexIncompatibleError: the index folder holds the index of another root, or one of an unknown model.
            IndexCorruptError: the index folder holds something else.
        """
        given, settings = expanded(path), settings or Settings.from_environment()
        root = existing(given if str(path) else None)
        folder = expanded(index_dir).absolute() if index_dir else index_folder(settings.data_dir, root)
        named = arguments(given, index_dir, model)
        name = settings.model if model == "auto" else model
        try:
            found = remembered(folder, root)
            chosen = remembered_embedder(found, settings) if found and model == "auto" else None
        except IndexUnusableError as error:
            error.name_index(named)
            raise
        engine = cls(
            root=root,
            label=str(given if root.is_dir() else given.parent),
            folder=folder,
            model=chosen or embedder(name, settings),
            settings=settings,
            download=name != "auto" and chosen is None,
            named=named,
            one_shot=one_shot,
        )
        grammars.use_cache(settings.cache_dir / "grammars")
        return engine

    @staticmethod
    def is_indexed(path: str | Path, *, settings: Settings | None = None) -> bool:
        """Tell whether a root has an index of its own in the user's data folder."""
        settings = settings or Settings.from_environment()
        folder = index_folder(settings.data_dir, expanded(path).resolve())
        try:
            return (folder / fingerprint.FILE_NAME).is_file()
        except OSError:  # not for us to read, so it is no index for us
            return False

    def index(self, *, on_progress: Callable[[Progress], None] | None = None, rebuild: bool = False) -> IndexReport:
        """Bring the index up to the tree, words and vectors; with ``rebuild`` from nothing, whatever was there."""
        if rebuild:
            self._embedder()  # an index is not given up for one that cannot be made
            self._erase()
        self._make()
        report = self._indexer.index(on_progress)
        if report.changed_files or report.embedded_chunks:
            self._store.optimize()
        return report

    def sync(self, *, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:
        """Bring the lexical index up to the tree, with those vectors that are known already: the short part."""
        self._make()
        return self._indexer.sync(on_progress)

    def fill(
        self,
        *,
        deadline: float | None = None,
        first: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Compute missing vectors until ``deadline`` (of time.monotonic), and return how many were added.

        Points with an id in ``first`` come first. If another process is at it, nothing is done.
        """
        self._make()
        report = self._indexer.fill(deadline=deadline, first=first, on_progress=on_progress)
        return report.embedded + report.reused

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        mode: str = SearchMode.HYBRID,
        rerank: bool = False,
    ) -> SearchResult:
        """Find code by meaning, best first. Reads only: index first.

        ``paths`` are globs as in a .gitignore, ``languages`` names as `status` shows them. With ``rerank`` the
        rerankers of the settings reorder the best; the stage ``rerank`` of the result says what became of that.

        Raises:
            InvalidQueryError: an empty or over-long query, a limit below one, an unknown language or mode.
            ConfigurationError: to be reranked, and there is no reranker.
            IndexNotFoundError: this root was never indexed.
            IndexCorruptError: the index is damaged, or has lost chunks.
        """
        from coderank.retrieval import search  # noqa: PLC0415 - not needed to index
        from coderank.retrieval.answer import Asked  # noqa: PLC0415
        from coderank.retrieval.scope import filters  # noqa: PLC0415

        query, limit = checked_query(query), checked_limit(limit)
        cascade = self._cascade() if rerank else None
        manifest = self._whole_manifest()
        scope = filters(languages, paths, (row.path for row in manifest.files()) if paths else ())
        asked = Asked(query, limit, mode, scope, cascade)
        return self._answer(partial(search.search, query, self._store), asked, manifest.totals())

    def anticipate(self, query: str) -> None:
        """Begin to embed a query that `search` will be asked soon, in a thread beside what is done until then.

        Does nothing where the index has no vectors to compare it with yet.
        """
        from coderank.retrieval.ahead import Ahead  # noqa: PLC0415 - not needed to index

        if self._claim.is_met() and self._manifest.totals().dense:
            self._ahead = Ahead(checked_query(query), self._embedder)

    def related(self, path: str, line: int, *, limit: int = 10) -> SearchResult:
        """Find code like the code at a line (1-based) of an indexed file, which is left out itself.

        Raises:
            PathNotFoundError: the file is not in the index, or has no such line.
        """
        from coderank.retrieval import search  # noqa: PLC0415 - not needed to index
        from coderank.retrieval.answer import Asked, chunk_at  # noqa: PLC0415

        limit = checked_limit(limit)
        totals = self._whole_manifest().totals()
        here = chunk_at(path, line, self._store.chunks_of([path]).values(), self.arguments)
        return self._answer(partial(search.related, here, self._store), Asked(f"{path}:{line}", limit), totals)

    def status(self) -> Status:
        """Tell what is indexed, what was left out, and how many files have changed since. Reads only.

        Raises:
            IndexNotFoundError: this root was never indexed.
            IndexCorruptError: the index is damaged, or has lost chunks, as far as can be told without opening it.
        """
        from coderank.indexing.survey import survey  # noqa: PLC0415 - not needed to search

        manifest = self._indexed_manifest()
        if manifest.lossy():
            raise self._lost()
        if manifest.totals().chunks and not self._store.exists:
            self._store.counts()  # which raises, unless another process is just building the index anew
        seen = survey(self.root, manifest, self._own_folders)
        totals = manifest.totals()
        skips = [*seen.left_out, *(row.skip() for row in manifest.skips())]
        return Status(
            root=str(self.root),
            index_dir=str(self.index_dir),
            model=self.model,
            files=totals.files,
            chunks=totals.chunks,
            dense_coverage=totals.coverage,
            languages=manifest.languages(),
            skips=tuple(sorted(skips)),
            bytes_on_disk=bytes_on_disk(self.index_dir),
            changed_since=seen.plan.changed,
        )

    def close(self) -> None:
        """Release the index to other processes at once. The engine can be used again."""
        for part in ("_store", "_manifest"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()
        self._whole_at = -1
        self.__dict__.pop("_indexer", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, IndexUnusableError):
            error.name_index(self.arguments)
        if not (self._one_shot and "_store" in self.__dict__ and self._store.only_read):
            self.close()

    @cached_property
    def _store(self) -> EdgeStore:
        from coderank.store.edge import EdgeStore  # noqa: PLC0415 - the engine's library is loaded when it is used

        # Checked whenever the folder is opened again: another process may have rebuilt it with another model.
        return EdgeStore(
            self.index_dir, self._model.dimension, verify=self._claim.check, verify_empty=self._check_empty
        )

    @cached_property
    def _manifest(self) -> Manifest:
        from coderank.indexing.manifest import Manifest  # noqa: PLC0415

        return Manifest(self.index_dir / MANIFEST_FILES[0])

    def _embedder(self) -> Embedder:
        from coderank.loading.opened import opened_embedder  # noqa: PLC0415 - a lexical search needs no model

        return opened_embedder(self._model, self._settings, download=self._download)

    def _cascade(self) -> Cascade:
        from coderank.loading.rerankers import opened_cascade  # noqa: PLC0415 - most searches are not reranked

        return opened_cascade(self._settings)

    @cached_property
    def _indexer(self) -> Indexer:
        from coderank.indexing.parts import Parts  # noqa: PLC0415 - not needed to search
        from coderank.indexing.run import Indexer  # noqa: PLC0415
        from coderank.indexing.vector_cache import VectorCache  # noqa: PLC0415

        cache = VectorCache(
            self._settings.cache_dir / f"vectors-{self._model.file_stem}-h{HEADER_VERSION}.db",
            self._model.dimension,
        )
        return Indexer(
            Parts(
                root=self.root,
                folder=self.index_dir,
                manifest=self._manifest,
                store=self._store,
                cache=cache,
                embedder=self._embedder,
                leave_out=self._own_folders,
            )
        )

    @property
    def _own_folders(self) -> tuple[Path, ...]:
        return self.index_dir, self._settings.data_dir, self._settings.cache_dir

    def _make(self) -> None:
        """Make the folder an index of this root and model, or check that it is one."""
        # An index of a model that cannot run would be in the way of one that can.
        self._claim.meet(before=self._embedder if self._model.name != BUNDLED_MODEL else lambda: None)

    def _check_empty(self) -> None:
        """Refuse to take a store that is gone for an empty one, except where a sync is making up for the loss."""
        if self._manifest.totals().chunks and not self._manifest.lossy():
            raise self._lost()

    def _lost(self) -> IndexCorruptError:
        return IndexCorruptError(f"The index of {self.root} has lost chunks", REBUILD)

    def _indexed_manifest(self) -> Manifest:
        if not self._claim.is_met():
            raise IndexNotFoundError(f"{self.root} was never indexed", f"Run: coderank index {INDEX}")
        return self._manifest

    def _whole_manifest(self) -> Manifest:
        """Refuse an index of which points are lost: that nothing is found must mean that nothing is there."""
        from coderank.indexing.sync import consistent  # noqa: PLC0415 - not needed to tell the status

        manifest = self._indexed_manifest()
        revision = manifest.revision()
        if revision != self._whole_at:
            if not consistent(manifest, self._store):
                raise self._lost()
            self._whole_at = revision
        return manifest

    def _erase(self) -> None:
        """Empty the index folder of whatever index it holds; anything else in it is refused."""
        self.close()
        if not holds_index(self.index_dir):
            return
        self._store.erase(then=self._start_anew)
        self.close()

    def _start_anew(self) -> None:
        try:
            # Emptied rather than deleted: other processes have it open, and would go on with a file that is gone.
            self._manifest.clear()
        except (IndexCorruptError, IndexIncompatibleError):
            self.__dict__.pop("_manifest", None)
            for name in MANIFEST_FILES:
                (self.index_dir / name).unlink(missing_ok=True)
        self._claim.renew()

    def _answer(self, find: Find, asked: Asked, totals: Totals) -> SearchResult:
        from coderank.retrieval.answer import answer  # noqa: PLC0415 - numpy: not needed to index

        index = IndexInfo(self.model, totals.chunks, totals.coverage)
        found = answer(find, asked, index, self._model, lambda: self._ahead or self._embedder())
        return replace(found, hits=tuple(replace(hit, root=self.label) for hit in found.hits))
