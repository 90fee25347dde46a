"""Wires a migration, as the engine wires an index: which models, which points, and where its journal is."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import msgspec

from coderank.corpus.header import HEADER_VERSION
from coderank.errors import INDEX, REBUILD, IndexIncompatibleError, IndexNotFoundError, UsageError
from coderank.indexing.claim import fingerprint_of
from coderank.indexing.location import recorded
from coderank.indexing.site import IndexSite, next_generation
from coderank.indexing.vector_cache import VectorCache
from coderank.loading.choice import embedder
from coderank.loading.opened import opened_embedder
from coderank.migration.journal import FILE_NAME, Journal, Kind, Record, Stage
from coderank.migration.plan import make_plan
from coderank.migration.run import Migration, Report
from coderank.migration.text import ChunkTexts
from coderank.migration.vectors import Embedding
from coderank.store.fingerprint import FORMAT, Fingerprint, IndexRecord
from coderank.store.layout import DENSE

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from coderank.engine import Engine
    from coderank.migration.contract import Gate, Listener
    from coderank.migration.plan import Plan
    from coderank.models.catalogue import Model


class Move:
    """Moves the index of an engine to another model, in a context in which no other process does.

    ``with Move(engine, "coderank-embed") as move: move.run()``. What is behind a move is on the disk: after a kill at
    any moment the next one goes on from there.
    """

    def __init__(self, engine: Engine, model: str = "", *, dimension: int = 0, force: bool = False) -> None:
        """Take the index, and the model to move to; without one, that of the move that was begun before.

        ``force`` gives up what was begun before and not finished. Nothing is read or changed yet.
        """
        self._engine = engine
        self._named = model
        self._dimension = dimension
        self._force = force
        self._journal = Journal(engine.home.folder / FILE_NAME)
        self._held = ExitStack()
        self._command = f"coderank migrate {engine.collection or engine.arguments}"

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
        begun = self._journal.read()
        model = self._target(begun)
        with ExitStack() as held:
            held.enter_context(self._site(found, found).alone())
            record = self._record(found, begun, model)
            site = self._site(_record_of(record.old, record.old_place), _record_of(record.new, record.new_place))
            held.callback(site.close)
            self._held = held.pop_all()
        self._model, self._place = model, site
        self._embedding = self._embedding_of(model)
        self._migration = Migration(site, self._journal, record, DENSE, self._embedding)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    @property
    def record(self) -> Record:
        """What is behind the move."""
        return self._migration.record

    @property
    def shadow(self) -> str:
        """The folder of the new points: an index folder of its own once they are verified, as a gate needs it."""
        return self._place.space().shadow

    def plan(self) -> Plan:
        """Say what a run would do and cost, from a trial of the model. Changes nothing."""
        return make_plan(self._place, self.record, self._embedding, self._model.max_tokens)

    def run(
        self, *, allow_missing: bool = False, gate: Gate | None = None, on_progress: Listener | None = None
    ) -> Report:
        """Move the index, or go on with it; see :meth:`coderank.migration.run.Migration.run`."""
        return self._migration.run(allow_missing=allow_missing, gate=gate, on_progress=on_progress)

    def load(
        self, file: Path, collection: str, *, allow_missing: bool = False, on_progress: Listener | None = None
    ) -> Report:
        """Move the index with the vectors of a file that `coderank embed` wrote; those of new points are made here.

        Raises:
            UsageError: the file has no vectors of the model, or no points of the collection.
            IndexCorruptError: the file is damaged.
        """
        from coderank.migration.elsewhere import seed  # noqa: PLC0415 - pyarrow: for files only
        from coderank.migration.parquet import Reader  # noqa: PLC0415

        with closing(Reader(file)) as reader:
            if reader.header.kind != self.record.new:
                raise UsageError(
                    f"The vectors of {file} were made with {reader.header.kind}, not with {self.record.new} as it is "
                    "here: model, revision, dimension and the rules of the texts have to be the same",
                    "Embed anew with this version and model, or load with the --model of the file",
                )
            reader.check()
            counts = reader.collections()
            if collection not in counts:
                raise UsageError(f"{file} has no points of {collection!r}", f"It has those of: {', '.join(counts)}")
            return self._migration.run(
                allow_missing=allow_missing,
                begin=lambda filling: seed(filling, reader, collection),
                on_progress=on_progress,
            )

    def roll_back(self) -> Report:
        """Use the points from before again; the new ones are kept."""
        return self._migration.roll_back()

    def drop(self) -> int:
        """Delete the points that are not in use, and the backup; return how many bytes that gave back."""
        return self._migration.drop()

    def _target(self, begun: Record | None) -> Model:
        settings = self._engine.home.settings
        if not self._named and begun is None:
            raise UsageError(f"Nothing was begun with {self._engine.label}", "Say which model to move to: --model M")
        model = embedder(self._named or (begun.new.model if begun else ""), settings)
        if self._dimension and self._dimension != model.dimension:
            raise UsageError(
                f"{model.name} gives vectors of {model.dimension} numbers, not of {self._dimension}",
                f"Leave --dimension out, or give --dimension {model.dimension}",
            )
        return model

    def _record(self, found: IndexRecord, begun: Record | None, model: Model) -> Record:
        """Say where the move stands. The record of the index has the last word: it is what readers go by."""
        new = _kind(fingerprint_of(model))
        if begun is not None:
            begun = self._settled(found, begun)
            if begun.new == new and _is(found, begun.new, begun.new_place):
                return begun
            if begun.stage is Stage.LIVE:
                raise UsageError(
                    f"The points from before the move to {begun.new} are still kept",
                    f"Delete them first: {self._command} --drop-old",
                )
            if begun.new == new and _is(found, begun.old, begun.old_place) and not self._force:
                return begun
            self._give_up(found, begun)
        return self._new_record(found, new)

    def _settled(self, found: IndexRecord, begun: Record) -> Record:
        """Correct a journal whose process died between a change of the index and the note of it."""
        if begun.stage is not Stage.LIVE and _is(found, begun.new, begun.new_place):
            return self._journal.change(begun, stage=Stage.LIVE)
        if begun.stage is Stage.LIVE and _is(found, begun.old, begun.old_place):
            return self._journal.change(begun, stage=Stage.ROLLED_BACK)
        return begun

    def _give_up(self, found: IndexRecord, begun: Record) -> None:
        if not self._force:
            raise UsageError(
                f"A move of {self._engine.label} from {begun.old} to {begun.new} was begun, which is not what is asked "
                "for, or the index was built anew since",
                f"Give it up with everything it made: {self._command} --force",
            )
        if found.generation != begun.new_place:
            site = self._site(_record_of(begun.old, begun.old_place), _record_of(begun.new, begun.new_place))
            site.drop_shadow()
        self._journal.remove()

    def _new_record(self, found: IndexRecord, new: Kind) -> Record:
        old = _kind(found.fingerprint)
        place = next_generation(self._engine.home.folder, found.generation)
        if old == new:
            return Record(old=old, new=new, old_place=found.generation, new_place=found.generation, stage=Stage.LIVE)
        if not old.same_texts(new):
            raise IndexIncompatibleError(f"The index of {self._engine.label} was cut by other rules", REBUILD)
        return Record(old=old, new=new, old_place=found.generation, new_place=place)

    def _site(self, old: IndexRecord, new: IndexRecord) -> IndexSite:
        return IndexSite(self._engine.home, self._engine.label, old, new)

    def _file(self, path: str) -> str | None:
        text = self._engine.home.tree.text(path)
        return text if isinstance(text, str) else None

    def _embedding_of(self, model: Model) -> Embedding:
        home = self._engine.home
        cache = VectorCache(
            home.settings.cache_dir / f"vectors-{model.file_stem}-h{HEADER_VERSION}.db", model.dimension
        )
        self._held.callback(cache.close)
        return Embedding(
            ChunkTexts(self._file),
            lambda: opened_embedder(model, home.settings, download=bool(self._named)),
            model.dimension,
            cache,
        )


def kind_of(model: Model) -> Kind:
    """Say what tells the vectors that a model makes here from others."""
    return _kind(fingerprint_of(model))


def _kind(fingerprint: Fingerprint) -> Kind:
    return Kind(**{name: getattr(fingerprint, name) for name in Kind.__struct_fields__})


def _record_of(kind: Kind, place: str) -> IndexRecord:
    return IndexRecord(
        fingerprint=Fingerprint(format=FORMAT, **msgspec.structs.asdict(kind)), root="", generation=place
    )


def _is(found: IndexRecord, kind: Kind, place: str) -> bool:
    return _kind(found.fingerprint) == kind and found.generation == place
