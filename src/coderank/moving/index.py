"""Moves the index of a path, or of a collection that is kept in its folder."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from coderank.corpus.header import HEADER_VERSION
from coderank.errors import INDEX, IndexIncompatibleError, IndexNotFoundError
from coderank.indexing.location import recorded
from coderank.indexing.recut import Recut
from coderank.indexing.site import IndexSite
from coderank.indexing.succession import Succession, next_generation
from coderank.indexing.vector_cache import VectorCache
from coderank.loading.choice import remembered_embedder
from coderank.loading.opened import opened_embedder
from coderank.migration.contract import Site
from coderank.migration.journal import FILE_NAME, Journal, Kind, Record, Stage
from coderank.migration.recut import Recutting
from coderank.migration.run import Former, Migration
from coderank.migration.text import ChunkTexts
from coderank.migration.vectors import Embedding
from coderank.moving.move import Move, carrying, kind_in, kind_of
from coderank.store.fingerprint import FORMAT, Fingerprint, IndexRecord
from coderank.store.layout import DENSE

if TYPE_CHECKING:
    from typing import Self

    from coderank.embedding.contract import Embedder
    from coderank.engine import Engine
    from coderank.migration.contract import Grow, Listener, Note
    from coderank.migration.plan import Cut
    from coderank.models.catalogue import Model
    from coderank.settings import Settings


class LocalSite(Site, Protocol):
    """A site of which this machine keeps the record."""

    def close(self) -> None:
        """Release what it has open."""
        ...


class IndexMove(Move):
    """Moves the index of an engine.

    ``with IndexMove(engine, "coderank-embed") as move: move.run()``
    """

    def __init__(self, engine: Engine, model: str = "", *, dimension: int = 0, force: bool = False) -> None:
        """Take the index, and the model to move to; without one, that of the move that was begun before."""
        command = f"coderank migrate {engine.collection or engine.arguments}"
        journal = Journal(engine.home.folder / FILE_NAME)
        super().__init__(journal, engine.label, command, model, dimension=dimension, force=force)
        self._engine = engine

    def __enter__(self) -> Self:
        """Keep others out, and find out where the move stands.

        Raises:
            UsageError: no model is named, it does not give vectors of that dimension, or another move is not finished.
            ModelNotFoundError: the catalogue has no such embedder.
            IndexNotFoundError: there is nothing to move.
            IndexBusyError: another process is at it.
        """
        found = recorded(self._engine.home.folder)
        if found is None:
            raise IndexNotFoundError(f"{self._engine.root} was never indexed", f"Run: coderank index {INDEX}")
        begun, settings = self._journal.read(), self._engine.home.settings
        own = "" if self._named or begun else _own(found, settings)
        model = self._target(begun, settings, own)
        with ExitStack() as held:
            held.enter_context(self._succession(found, found).alone())
            record = self._record(found, begun, model)
            site = self._at(
                _record_of(record.old, record.old_place),
                _record_of(record.new, record.new_place),
                cut_anew=record.cut_anew,
            )
            held.callback(site.close)
            self._model, self._site = model, site
            self._embedding = self._embedding_of(model, held)
            grow = self._cutting(site, record) if record.cut_anew else carrying(site, DENSE, self._embedding)
            self._migration = Migration(site, self._journal, record, grow, former=self._former)
            self._follow()
            self._held = held.pop_all()  # last: what fails before gives the lock back
        return self

    def _follow(self) -> None:
        """Do nothing more: the record of an index is all that says which points are in use."""

    def _record(self, found: IndexRecord, begun: Record | None, model: Model) -> Record:
        new = kind_of(model)
        if begun is not None:
            on_old, on_new = _is(found, begun.old, begun.old_place), _is(found, begun.new, begun.new_place)
            continued = self._continued(begun, new, on_old=on_old, on_new=on_new)
            if continued is not None:
                return continued
            in_use = found.generation == begun.new_place
            self._former = Former(begun, lambda: 0 if in_use else self._drop_new_of(begun))
        return self._begun(found, new)

    def _drop_new_of(self, begun: Record) -> int:
        old, new = _record_of(begun.old, begun.old_place), _record_of(begun.new, begun.new_place)
        with closing(self._at(old, new)) as former:
            return former.drop_shadow()

    def _begun(self, found: IndexRecord, new: Kind) -> Record:
        old, here = kind_in(found.fingerprint), found.generation
        if old == new:
            return Record(old=old, new=new, old_place=here, new_place=here, stage=Stage.LIVE)
        if not old.same_texts(new) and not self._engine.home.tree.is_there:
            raise IndexIncompatibleError(
                f"The points of {self._label} were made by other rules ({old.rules}; now {new.rules}), and there is no "
                "source to cut them from anew",
                "Export it, delete it, and load what is made of the export: coderank embed, then coderank load",
            )
        place = next_generation(self._engine.home.folder, here)
        return Record(old=old, new=new, old_place=here, new_place=place)

    def _succession(self, old: IndexRecord, new: IndexRecord) -> Succession:
        return Succession(self._engine.home, self._label, old, new)

    def _at(self, old: IndexRecord, new: IndexRecord, *, cut_anew: bool = False) -> LocalSite:
        """Give the place of both generations."""
        return IndexSite(self._succession(old, new), cut_anew=cut_anew)

    def _cutting(self, site: Site, record: Record) -> Grow:
        """Say how new points come of the source: cut anew, with those vectors that the live ones have of the same."""
        home = replace(self._engine.home, embedder=self._opened)
        source = Recut(home, self._model, home.folder / record.new_place)
        self._held.callback(source.close)
        old, new = record.old, record.new
        same = (old.model, old.revision, old.header) == (new.model, new.revision, new.header)

        def begin(note: Note, on_progress: Listener | None) -> Recutting:
            return Recutting(
                source, site.live(), site.shadow(), DENSE, self._embedding, self._cache, note, same, on_progress
            )

        self._look = begin(lambda *_: None, None).look
        return begin

    def _opened(self, model: Model) -> Embedder:
        """Open the model that is moved to as the rest of the move does; a static table as ever."""
        return self._embedding.embedder if model == self._model else self._engine.home.embedder(model)

    def _cut(self) -> Cut | None:
        return self._look() if self.record.cut_anew else None

    def _file(self, path: str) -> str | None:
        text = self._engine.home.tree.text(path)
        return text if isinstance(text, str) else None

    def _embedding_of(self, model: Model, held: ExitStack) -> Embedding:
        settings = self._engine.home.settings
        file = settings.cache_dir / f"vectors-{model.file_stem}-h{HEADER_VERSION}.db"
        self._cache = VectorCache(file, model.dimension)
        held.callback(self._cache.close)
        return Embedding(
            ChunkTexts(self._file),
            lambda: opened_embedder(model, settings, download=bool(self._named)),
            model.dimension,
            self._cache,
        )


def _own(found: IndexRecord, settings: Settings) -> str:
    """Name the model of an index that was cut by other rules: it may stay, so it need not be named."""
    model = remembered_embedder(found, settings)
    return "" if kind_in(found.fingerprint).same_texts(kind_of(model)) else model.name


def _record_of(kind: Kind, place: str) -> IndexRecord:
    return IndexRecord(
        fingerprint=Fingerprint(format=FORMAT, **msgspec.structs.asdict(kind)), root="", generation=place
    )


def _is(found: IndexRecord, kind: Kind, place: str) -> bool:
    return kind_in(found.fingerprint) == kind and found.generation == place
