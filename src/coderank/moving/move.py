"""What every move has in common: what is behind it, what may be asked of it, and the models."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from coderank.errors import UsageError
from coderank.indexing.claim import fingerprint_of
from coderank.loading.choice import cut_to, embedder
from coderank.loading.embedder import precision_here
from coderank.loading.opened import loading_of
from coderank.migration.journal import Journal, Kind, Record, Stage
from coderank.migration.plan import make_plan
from coderank.migration.shadow import Filling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from coderank.engine import Engine
    from coderank.migration.contract import Gate, Grow, Listener, Site
    from coderank.migration.parquet import Reader
    from coderank.migration.plan import Cut, Plan
    from coderank.migration.run import Former, Migration, Report, Unused
    from coderank.migration.vectors import Embedding
    from coderank.models.catalogue import Model
    from coderank.settings import Settings
    from coderank.store.fingerprint import Fingerprint


class Move:
    """Moves one collection to another model, in a context in which no other process does.

    What is behind a move is on the disk: after a kill at any moment the next one goes on from there. Subclasses enter
    the context, in which they find out where the move stands.
    """

    _site: Site
    _migration: Migration
    _others_write = False
    """Whether other programs write, to either side and at any moment."""
    _former: Former | None = None
    """What is to be given up."""
    _embedding: Embedding
    _model: Model
    _engine: Engine

    def __init__(
        self, journal: Journal, label: str, command: str, model: str, *, dimension: int = 0, force: bool = False
    ) -> None:
        """Take where the journal is, and the model to move to; without one, that of the move that was begun before.

        ``force`` gives up what was begun before and not finished, when the move runs. Nothing is read or changed yet.
        """
        self._journal = journal
        self._label = label
        self._command = command
        self._named = model
        self._dimension = dimension
        self._force = force
        self._held = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    @property
    def is_begun(self) -> bool:
        """Whether something was done before, be it only noted."""
        return self._journal.read() is not None

    @property
    def record(self) -> Record:
        """What is behind the move."""
        return self._migration.record

    def askable(self) -> None:
        """Raise UsageError where the old points cannot be asked by this version, or with any model."""
        old, new = self.record.old, self.record.new
        if old.terms != new.terms:
            raise UsageError(
                f"The words of {self._label} were weighed by other rules, so this version cannot ask the old points",
                "Migrate without --gate",
            )

    def sides(self) -> tuple[Engine, Engine]:
        """Open the old points and the new, to be asked the same; the new ones answer once they are verified."""
        folder = self._engine.home.folder
        return self._engine.beside(folder), self._engine.beside(folder / self.record.new_place)

    def plan(self) -> Plan:
        """Say what a run would do and cost, from a trial of the model. Changes nothing."""
        return make_plan(
            self._site,
            self.record,
            self._embedding,
            self._model.max_tokens,
            precision=precision_here(self._model, loading_of(self._engine.home.settings)),
            cut=self._cut(),
        )

    def run(
        self,
        *,
        allow_missing: bool = False,
        gate: Gate | None = None,
        then: Callable[[], object] | None = None,
        on_progress: Listener | None = None,
    ) -> Report:
        """Move the collection, or go on with it; see :meth:`coderank.migration.run.Migration.run`."""
        return self._migration.run(
            allow_missing=allow_missing, gate=gate, then=then, on_progress=on_progress, force=self._force
        )

    def load(
        self,
        file: Path,
        collection: str,
        *,
        allow_missing: bool = False,
        then: Callable[[], object] | None = None,
        on_progress: Listener | None = None,
    ) -> Report:
        """Move the collection with the vectors of a file of `coderank embed`; those of new points are made here.

        Raises:
            UsageError: the file has no vectors of the model, or no points of the collection.
            IndexCorruptError: the file is damaged.
        """
        from coderank.migration.parquet import Reader  # noqa: PLC0415 - pyarrow: for files only

        with closing(Reader(file)) as reader:
            check_file(reader, file, self.record.new, collection)
            return self._migration.run(
                allow_missing=allow_missing,
                begin=lambda growth: growth.seed(page for name, page in reader.pages() if name == collection),
                then=then,
                on_progress=on_progress,
                force=self._force,
            )

    def roll_back(self) -> Report:
        """Use the points from before again; the new ones are kept."""
        return self._migration.roll_back(force=self._force)

    def unused(self) -> Unused:
        """Say what `drop` would delete. Raises UsageError where no move has left any points."""
        return self._migration.unused()

    def drop(self) -> int:
        """Delete the points that are not in use, and the backup; return how many bytes that gave back."""
        return self._migration.drop(force=self._force)

    def _cut(self) -> Cut | None:
        """Say what comes of cutting the source anew; None where points are carried over."""
        return None

    def _target(self, begun: Record | None, settings: Settings, own: str = "") -> Model:
        """Find the model to move to; without a name, that of the move that was begun, else ``own``."""
        name = self._named or (begun.new.model if begun else own)
        if not name:
            raise UsageError(f"Nothing was begun with {self._label}", "Say which model to move to: --model M")
        model = cut_to(self._dimension, embedder(name, settings), settings)
        if self._dimension and self._dimension != model.dimension:
            raise UsageError(
                f"{model.name} gives vectors of {model.dimension} numbers, not of {self._dimension}",
                f"Leave --dimension out, or give --dimension {model.dimension}",
            )
        return model

    def _continued(self, begun: Record, new: Kind, *, on_old: bool, on_new: bool) -> Record | None:
        """Say where a move stands that was begun; None where it is to be given up and begun anew.

        What readers go by has the last word over the journal, whose process may have died before it wrote.
        ``on_old`` and ``on_new`` tell which of its points readers are served from.
        """
        if not begun.stage.on_new and on_new:
            begun = self._journal.change(begun, stage=Stage.SWITCHED if self._others_write else Stage.LIVE)
        if begun.stage.on_new and on_old:
            begun = self._journal.change(begun, stage=Stage.ROLLED_BACK, unseen=self._others_write)
        if begun.new == new and on_new:
            return begun
        if begun.stage.on_new:
            raise UsageError(
                f"The points from before the move to {begun.names[1]} are still kept",
                f"Delete them first: {self._command} --drop-old",
            )
        if begun.new == new and on_old and (not self._force or begun.stage is Stage.ROLLED_BACK):
            return begun
        if not self._force:
            raise UsageError(
                f"A move of {self._label} from {begun.names[0]} to {begun.names[1]} was begun, which is not what "
                "is asked for, or the index was built anew since",
                f"Give it up with everything it made: {self._command} --force",
            )
        return None


def carrying(site: Site, vector: str, embedding: Embedding) -> Grow:
    """Say how new points come of the live ones: carried over, each with a new vector of one name."""
    return lambda note, on_progress: Filling(site.live(), site.shadow(), vector, embedding, note, on_progress)


def kind_of(model: Model) -> Kind:
    """Say what tells the vectors that a model makes here from others."""
    return kind_in(fingerprint_of(model))


def kind_in(fingerprint: Fingerprint) -> Kind:
    """Take from a fingerprint what tells vectors from others."""
    return Kind(**{name: getattr(fingerprint, name) for name in Kind.__struct_fields__})


def check_file(reader: Reader, file: Path, wanted: Kind, collection: str) -> int:
    """Read a file of points once, whole, and count those of a collection.

    Raises:
        UsageError: it has no vectors of the kind, or no points of the collection.
        IndexCorruptError: it is damaged.
    """
    if not _alike(reader.header.kind, wanted):
        raise UsageError(
            f"The vectors of {file} were made with {reader.header.kind}, not with {wanted} as it is here: model, "
            "revision, dimension and the rules of the texts have to be the same",
            "Embed anew with this version and model, or load with the --model of the file",
        )
    reader.check()
    counts = reader.collections()
    if collection not in counts:
        raise UsageError(
            f"{file} has no points of {collection!r}",
            f"Say which to take: {' or '.join(f'--from {name}' for name in counts)}",
        )
    return counts[collection]


def _alike(made: Kind | None, wanted: Kind) -> bool:
    """Tell whether vectors can be taken; where coderank cuts no texts, its rules for that do not count."""
    if made is None or wanted.chunker:
        return made == wanted
    return (made.model, made.revision, made.dimension) == (wanted.model, wanted.revision, wanted.dimension)
