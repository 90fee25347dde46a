"""Moves a collection on a server that another program writes, or that was loaded there."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from coderank import wiring
from coderank.errors import IndexBusyError, StoreError, UsageError
from coderank.indexing.claim import fingerprint_of
from coderank.indexing.foreign import ForeignGeneration
from coderank.indexing.lock import held
from coderank.loading.choice import embedder
from coderank.loading.opened import opened_embedder
from coderank.loading.servers import connect, fields_of, pinned
from coderank.migration.journal import FILE_NAME, Journal, Kind, Record, Stage
from coderank.migration.run import Former, Migration
from coderank.migration.text import texts_of
from coderank.migration.vectors import Embedding
from coderank.moving.move import Move, carrying, kind_of
from coderank.store.made_with import told
from coderank.store.ownership import owner_in

if TYPE_CHECKING:
    from typing import Self

    from coderank.collections.config import Collection, Server
    from coderank.engine import Engine
    from coderank.migration.aliased import ServerSite
    from coderank.models.catalogue import Model
    from coderank.store.raw import VectorSpec
    from coderank.store.server_connection import Connection

UNKNOWN = "unknown"
"""What made the old vectors, where neither the collection nor its configuration says."""
SAMPLE = 64
"""Points that are looked at to find out where the text is."""


class ServerMove(Move):
    """Moves what a name stands for on a server: to a collection beside it, by an alias."""

    _others_write = True

    def __init__(self, engine: Engine, model: str = "", *, dimension: int = 0, force: bool = False) -> None:
        """Take the engine of the collection, and the model to move to."""
        settings = engine.home.settings
        described = wiring.describe(engine.collection, settings)
        journal = Journal(engine.home.folder / FILE_NAME)
        command = f"coderank migrate {engine.collection}"
        super().__init__(journal, engine.label, command, model, dimension=dimension, force=force)
        self._engine = engine
        self._described = described

    def __enter__(self) -> Self:
        """Keep others of this machine out, and find out where the move stands; raises as `IndexMove` does."""
        from coderank.migration.aliased import ServerSite  # noqa: PLC0415 - the client takes 0.5 s to import
        from coderank.store.server_names import metadata, resolve  # noqa: PLC0415

        settings, server = self._engine.home.settings, _server(self._described)
        name = server.collection or self._described.name
        begun = self._journal.read()
        model = self._target(begun, settings)
        with ExitStack() as stack:
            self._engine.home.folder.mkdir(parents=True, exist_ok=True)
            if not stack.enter_context(held(self._engine.home.folder / "migrate.lock", 0.0)):
                raise IndexBusyError(f"Another process is migrating {self._label}", "Wait for it to end")
            connection = connect(self._described, settings)
            stack.callback(connection.close)
            here = resolve(connection, name)
            if here is None:
                raise StoreError(f"There is no collection {name} at {connection.url}", "Correct store.collection")
            owner = owner_in(metadata(connection, here))
            if owner is not None:
                raise UsageError(
                    f"{here} at {connection.url} is indexed from its sources on the machine {owner.host}",
                    "Move it there, or describe its sources here and take it over: coderank index --collection "
                    f"{self._label} --take-over",
                )
            record, vector = self._record(connection, name, here, begun, model)
            fingerprint = fingerprint_of(model) if record.new.chunker else None
            site = ServerSite(connection, self._label, name, record, vector, fingerprint)
            self._model, self._site = model, site
            self._embedding = self._embedding_of(site, record.stage, model)
            grow = carrying(site, vector, self._embedding)
            self._migration = Migration(site, self._journal, record, grow, former=self._former)
            self._held = stack.pop_all()  # last: what fails before gives the lock back
        return self

    def askable(self) -> None:
        """Raise UsageError where the old points cannot be asked with any model."""
        if self.record.old.model == UNKNOWN:
            raise UsageError(
                f"Which model made the old points of {self._label} is not known, so they cannot be asked",
                "Name it as embedding_model, or migrate without --gate",
            )

    def sides(self) -> tuple[Engine, Engine]:
        """Open the old points and the new, each by its own name."""
        record, settings = self.record, self._engine.home.settings
        sides = ((record.old.model, record.old_place), (record.new.model, record.new_place))
        return tuple(self._asking(embedder(model, settings), place) for model, place in sides)  # type: ignore[return-value]

    def _asking(self, model: Model, place: str) -> Engine:
        home = self._engine.home
        keeper = wiring.OnServer(pinned(self._described, place), home.settings)
        return self._engine.beside(ForeignGeneration(replace(home, keeper=keeper), model))

    def _record(
        self, connection: Connection, name: str, here: str, begun: Record | None, model: Model
    ) -> tuple[Record, str]:
        from coderank.migration.aliased import ServerSite  # noqa: PLC0415
        from coderank.store.server_adoption import is_own  # noqa: PLC0415
        from coderank.store.server_names import free_name, metadata  # noqa: PLC0415
        from coderank.store.server_points import open_server_points  # noqa: PLC0415

        spec = self._spec(open_server_points(connection, here).specs(), here)
        own = is_own(connection, here)
        new = kind_of(model) if own else Kind(model.name, model.space, model.dimension)
        if begun is not None:
            on_old, on_new = here == begun.old_place, here == begun.new_place
            continued = self._continued(begun, new, on_old=on_old, on_new=on_new)
            if continued is not None:
                return continued, spec.name
            former = ServerSite(connection, self._label, name, begun, spec.name, None)
            self._former = Former(begun, former.drop_shadow)
        made = told(metadata(connection, here), spec.name)
        old = Kind(made.model, made.revision, made.dimension) if made else self._made_with(spec.dimension, new)
        if (old.model, old.dimension) == (new.model, new.dimension):
            return Record(old=new, new=new, old_place=here, new_place=here, stage=Stage.LIVE), spec.name
        place = free_name(connection, name, model.name)
        return Record(old=old, new=new, old_place=here, new_place=place), spec.name

    def _spec(self, specs: tuple[VectorSpec, ...], here: str) -> VectorSpec:
        """Choose the vector that is replaced: the one that is configured, else the only dense one."""
        wanted = _server(self._described).vector
        dense = [spec for spec in specs if not spec.sparse and not spec.multi]
        fitting = [spec for spec in dense if wanted is None or spec.name == wanted]
        if len(fitting) != 1:
            listed = ", ".join(f"{spec.name or '(unnamed)'} of {spec.dimension}" for spec in dense) or "none"
            raise UsageError(
                f"Which vector of {here} is to be made anew is not clear; it has: {listed}",
                f"Name it as store.vector of {self._label} in the configuration",
            )
        return fitting[0]

    def _made_with(self, dimension: int, new: Kind) -> Kind:
        """Say what is known of old vectors of which the collection itself does not tell."""
        name = self._engine.model if self._engine.model != new.model or dimension == new.dimension else UNKNOWN
        return Kind(name, "", dimension, new.chunker, new.header)

    def _embedding_of(self, site: ServerSite, stage: Stage, model: Model) -> Embedding:
        settings = self._engine.home.settings
        used = site.shadow() if stage.on_new else site.live()  # a run that was killed may have deleted the old
        page = next(used.pages(vectors=False, size=SAMPLE), [])
        fields = fields_of(_server(self._described).payload)
        texts = texts_of([point.payload for point in page], fields, self._label)
        return Embedding(texts, lambda: opened_embedder(model, settings, download=bool(self._named)), model.dimension)


def _server(described: Collection) -> Server:
    if described.store is None:
        raise UsageError(f"{described.name} is on no server", "Give it a store")
    return described.store
