"""The facade: one engine per indexed root. It wires the parts and holds no algorithm."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from coderank import wiring
from coderank.errors import IndexIncompatibleError, IndexUnusableError
from coderank.indexing.generation import Generation
from coderank.indexing.location import holds_index, index_folder
from coderank.loading.choice import remembered_embedder
from coderank.retrieval.limits import checked_limit, checked_query
from coderank.settings import Settings, expanded
from coderank.store import fingerprint
from coderank.types import IndexInfo, SearchMode, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from coderank.embedding.contract import Embedder
    from coderank.indexing.manifest import Totals
    from coderank.retrieval.answer import Asked, Find
    from coderank.store.raw import RawPoints
    from coderank.types import IndexReport, Progress, SearchResult, Skip, Status
    from coderank.wiring import Opening

Answer = TypeVar("Answer")


class Engine:
    """Searches one root: a folder, or a single file. Safe to use from several threads and processes.

    ``with Engine.open(path) as engine: engine.index(); hits = engine.search("query", limit=10)``
    """

    def __init__(self, opening: Opening, *, one_shot: bool = False) -> None:
        """Take what `open` found out. Nothing is created, locked or loaded before it is needed."""
        home = opening.home
        self.root = home.root
        """Absolute path of what is indexed; of a collection, its name below the path of the file that describes it."""
        self.label = opening.label
        """The folder that hits' paths are relative to, as the caller named it; of a collection, its name."""
        self.index_dir = home.folder
        """Where the index lives."""
        self.arguments = opening.arguments
        """What names this index on the command line, for remedies and hints."""
        self.collection = opening.collection
        """Name of the collection; empty for a path."""
        self.home = home
        """Where the index is, and how it is used: what all its generations share."""
        self._generation = opening.generation
        self._opening = opening
        self._left: list[Generation] = []
        """Generations that the index was moved on from; threads may still be at work on them."""
        self._follow = opening.follow
        self._root_of = opening.root_of
        self.inside = opening.inside
        """Spells the path of a file on disk as the hits of a collection do."""
        self._defaults = opening.defaults
        self._one_shot = one_shot
        # What has begun with a query: of which generation, and whether by its static table.
        self._ahead: tuple[Generation, bool, Embedder] | None = None

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
        settings = settings or Settings.from_environment()
        return cls(wiring.of_path(path, model, index_dir, settings), one_shot=one_shot)

    @classmethod
    def open_collection(
        cls,
        name: str,
        *,
        model: str = "auto",
        settings: Settings | None = None,
        one_shot: bool = False,
        remember: bool = True,
    ) -> Self:
        """Open the engine of a collection that the user's file describes, indexed or not.

        Of several sources, paths begin with the source's name. An index keeps the model that it was built with;
        ``model`` chooses another than the description's for a new one. Without ``remember`` that of the description is
        meant whatever the index has, to be built anew with it.

        Raises:
            ConfigurationError: there is no such collection, its description cannot be used, or its model makes vectors
                of another dimension than it says.
            ModelNotFoundError: the catalogue has no such embedder.
        """
        settings = settings or Settings.from_environment()
        return cls(wiring.of_collection(name, settings, model=model, remember=remember), one_shot=one_shot)

    def beside(self, other: Path | Generation) -> Engine:
        """Open another index of the same root, by its folder: its backup, or the points that a migration has made.

        It is only to be read, by whichever rules it was cut. Raises IndexNotFoundError without one.
        """
        if not isinstance(other, Generation):
            found = fingerprint.read(other)
            home = replace(self.home, folder=other)
            model = remembered_embedder(found, home.settings)
            other = Generation(home, model, found.generation, as_cut=found.fingerprint)
        return Engine(replace(self._opening, home=other.home, generation=other, follow=False, anew=None))

    @staticmethod
    def is_indexed(path: str | Path, *, settings: Settings | None = None) -> bool:
        """Tell whether a root has an index of its own in the user's data folder."""
        settings = settings or Settings.from_environment()
        folder = index_folder(settings.data_dir, expanded(path).resolve())
        try:
            return (folder / fingerprint.FILE_NAME).is_file()
        except OSError:  # not for us to read, so it is no index for us
            return False

    def index(
        self, *, on_progress: Callable[[Progress], None] | None = None, rebuild: bool = False, refresh: bool = True
    ) -> IndexReport:
        """Bring the index up to the tree, words and vectors; with ``rebuild`` from nothing, whatever was there.

        Copies of repositories are fetched anew before, if ``refresh``.

        Raises:
            SourceUnavailableError: a source of a collection cannot be fetched or read; the index stays as it is.
            UsageError: another program writes what the collection has; without ``refresh``, nothing is done.
        """
        if refresh:
            self._current().refresh()
        if rebuild:
            self._erase()
        return self._on_current(partial(self._indexed, on_progress=on_progress))

    def take_over(self) -> None:
        """Index a collection on a server from here from now on, whichever machine did: the next `index` compares both.

        Raises:
            UsageError: the index is in a folder of this machine, or another program writes the collection.
        """
        self._current().take_over()

    def sync(self, *, on_progress: Callable[[Progress], None] | None = None) -> IndexReport:
        """Bring the lexical index up to the tree, with those vectors that are known already: the short part."""

        def sync(generation: Generation) -> IndexReport:
            generation.make()
            return generation.indexer.sync(on_progress)

        return self._on_current(sync)

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

        def fill(generation: Generation) -> int:
            generation.make()
            report = generation.indexer.fill(deadline=deadline, first=first, on_progress=on_progress)
            return report.embedded + report.reused

        return self._on_current(fill)

    def compact(self) -> bool:
        """Rewrite the points compactly if enough of them changed, as `index` does at its end; tell whether it did.

        For programs that call `sync` and `fill` instead. Takes 40 us per point, in which nobody is answered.
        """
        return self._on_current(lambda generation: generation.store.optimize())

    def search(
        self,
        query: str,
        *,
        limit: int | None = None,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        mode: str = SearchMode.HYBRID,
        rerank: bool | None = None,
    ) -> SearchResult:
        """Find code by meaning, best first. Reads only: index first.

        ``paths`` are globs as in a .gitignore, ``languages`` names as `status` shows them. With ``rerank`` the
        rerankers of the settings reorder the best; the stage ``rerank`` of the result says what became of that. None
        stands for 10 hits that are not reranked, or what the description of a collection says instead.

        Raises:
            InvalidQueryError: an empty or over-long query, a limit below one, an unknown language or mode.
            ConfigurationError: to be reranked, and there is no reranker.
            IndexNotFoundError: this root was never indexed.
            IndexCorruptError: the index is damaged, or has lost chunks.
        """
        from coderank.retrieval import search  # noqa: PLC0415 - not needed to index
        from coderank.retrieval.answer import Asked  # noqa: PLC0415
        from coderank.retrieval.scope import filters  # noqa: PLC0415

        query, limit = checked_query(query), checked_limit(self._defaults.limit if limit is None else limit)
        reranking = wiring.reranking(self._defaults, self.home.settings, wanted=rerank)

        def answer(generation: Generation) -> SearchResult:
            totals = generation.totals()
            scope = filters(languages, paths, generation.paths() if paths else ())
            asked = Asked(query, limit, mode, scope, reranking)
            return self._answer(generation, partial(search.search, query, generation.store), asked, totals)

        return self._on_current(answer)

    def anticipate(self, query: str, *, rerank: bool | None = False) -> None:
        """Begin to embed a query that `search` will be asked soon, in a thread beside what is done until then.

        Does nothing where there is no index with vectors yet. With ``rerank`` as for `search` loads the reranker, too.

        Raises:
            ConfigurationError: to be reranked, and there is no reranker.
        """
        from coderank.retrieval.ahead import Ahead  # noqa: PLC0415 - not needed to index
        from coderank.retrieval.query import profile  # noqa: PLC0415
        from coderank.retrieval.tier import tier_of  # noqa: PLC0415

        reranking = wiring.reranking(self._defaults, self.home.settings, wanted=rerank)
        if reranking is not None and reranking.cascade is not None and not profile(query).is_symbol:
            reranking.cascade.prepare(reranking.budget_ms)
        generation = self._current()
        tier = tier_of(generation.expected(), SearchMode.HYBRID) if generation.is_met() else Tier.NONE
        if tier is not Tier.NONE:
            opened = generation.static_embedder if tier is Tier.STATIC else generation.embedder
            self._ahead = generation, tier is Tier.STATIC, Ahead(checked_query(query), opened)

    def related(self, path: str, line: int, *, limit: int = 10) -> SearchResult:
        """Find code like the code at a line (1-based) of an indexed file, which is left out itself.

        Raises:
            PathNotFoundError: the file is not in the index, or has no such line.
        """
        from coderank.retrieval import search  # noqa: PLC0415 - not needed to index
        from coderank.retrieval.answer import Asked, chunk_at  # noqa: PLC0415

        limit, path = checked_limit(limit), self.inside(path)

        def answer(generation: Generation) -> SearchResult:
            totals = generation.totals()
            here = chunk_at(path, line, generation.store.chunks_of([path]).values(), self.arguments)
            find = partial(search.related, here, generation.store)
            return self._answer(generation, find, Asked(f"{path}:{line}", limit), totals)

        return self._on_current(answer)

    def tell_folders(self, tell: Callable[[str], None]) -> bool:
        """Let every sync tell of each folder (an absolute path) before it is listed, for whoever watches them.

        Returns whether these are all that the index is made of: of a single file, or of chunks that somebody cut, they
        are not.
        """
        return self.home.tree.tell_folders(tell)

    def text(self, path: str) -> str | Skip | None:
        """Give the text of an indexed file as it is now; a Skip says why it cannot be had: gone, or not to be read.

        None where what is indexed is no run of lines of a file. Only files of the tree are opened.
        """
        return self.home.tree.text(self.inside(path))

    def points(self) -> RawPoints:
        """Open every point as it was written, to export or compare them; the caller closes it.

        Raises:
            IndexNotFoundError: there is no index.
        """
        generation = self._current()
        if not generation.is_met():
            generation.indexed_manifest()  # which raises
        return generation.points()

    def status(self) -> Status:
        """Tell what is indexed, what was left out, and how many files have changed since. Reads only.

        Raises:
            IndexNotFoundError: this root was never indexed.
            IndexCorruptError: the index is damaged, or has lost chunks, as far as can be told without opening it.
        """
        return self._on_current(lambda generation: generation.status())

    def close(self) -> None:
        """Release the index to other processes at once. The engine can be used again."""
        for generation in (self._generation, *self._left):
            generation.close()
        self._left.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, IndexUnusableError):
            error.name_index(self.arguments)
        if not (self._one_shot and self._generation.only_read):
            self.close()

    @property
    def model(self) -> str:
        """Catalogue name of the embedding model."""
        return self._generation.model.name

    def _current(self) -> Generation:
        """Give the generation that the index's record names: another process may have moved the index on.

        A record that cannot be used, or not by this engine, changes nothing: using the index says what is wrong.
        """
        with suppress(IndexUnusableError):
            found = fingerprint.read(self.index_dir)
            if not self._generation.claim.fits(found):
                model = remembered_embedder(found, self.home.settings) if self._follow else self._generation.model
                moved = Generation(self.home, model, found.generation)
                if moved.claim.fits(found):
                    self._move_to(moved)
        return self._generation

    def _move_to(self, moved: Generation) -> Generation:
        self._left.append(self._generation)
        self._generation.release()
        self._generation = moved
        return moved

    def _on_current(self, act: Callable[[Generation], Answer]) -> Answer:
        """Do it on the generation in use; once more, if the index was moved on meanwhile."""
        generation = self._current()
        try:
            return act(generation)
        except IndexIncompatibleError:
            moved = self._current()
            if moved is generation:
                if self._opening.anew is None:
                    raise
                moved = self._move_to(self._opening.anew().generation)
            return act(moved)

    def _indexed(self, generation: Generation, on_progress: Callable[[Progress], None] | None) -> IndexReport:
        generation.make()
        report = generation.indexer.index(on_progress)
        if report.changed_files or report.embedded_chunks or (generation.ours and self.collection):
            generation.store.optimize()
        return report

    def _erase(self) -> None:
        """Empty the index folder of whatever index it holds; anything else in it is refused."""
        generation = self._current()
        generation.embedder()  # an index is not given up for one that cannot be made
        self.close()
        if not generation.ours or holds_index(self.index_dir):
            generation.erase()

    def _open(self, generation: Generation, *, static: bool) -> Embedder:
        if self._ahead is not None and self._ahead[:2] == (generation, static):
            return self._ahead[2]
        return generation.static_embedder() if static else generation.embedder()

    def _answer(self, generation: Generation, find: Find, asked: Asked, totals: Totals) -> SearchResult:
        from coderank.retrieval.answer import answer  # noqa: PLC0415 - numpy: not needed to index
        from coderank.retrieval.tier import Sources  # noqa: PLC0415

        index = IndexInfo(generation.model.name, totals.chunks, totals.coverage)
        dense, static = (partial(self._open, generation, static=static) for static in (False, True))
        sources = Sources(generation.model, dense, generation.stand_in, static)
        return answer(find, asked, index, generation.counts(), sources, self._root_of)
