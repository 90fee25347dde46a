"""Moves a collection that is indexed from its sources into a server: points there, record and manifests here."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from coderank import wiring
from coderank.errors import StoreError
from coderank.loading.servers import connect, open_store, pinned
from coderank.migration.journal import Record, Stage
from coderank.moving.index import IndexMove
from coderank.moving.move import kind_in
from coderank.store import fingerprint, pin
from coderank.store.layout import DENSE
from coderank.store.ownership import Ownership

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from coderank.collections.config import Collection
    from coderank.indexing.succession import Succession
    from coderank.migration.aliased import ServerSite
    from coderank.settings import Settings
    from coderank.store.fingerprint import IndexRecord
    from coderank.store.raw import PointId, RawPoints
    from coderank.store.room import Space


class SourcedMove(IndexMove):
    """Moves what a collection with sources has on a server, and the record of its index with it."""

    def _follow(self) -> None:
        """Let the alias lead to what the record names, where a kill kept it from that."""
        if isinstance(self._site, SourcedSite):
            self._site.follow(self.record.stage)

    def _at(self, old: IndexRecord, new: IndexRecord, *, cut_anew: bool = False) -> SourcedSite:
        settings = self._engine.home.settings
        described = wiring.describe(self._engine.collection, settings)
        succession = self._succession(old, new)
        return SourcedSite(succession, described, settings, self._journal.read(), cut_anew=cut_anew)


class SourcedSite:
    """Both generations of such a collection. The record of the index is what the machine that indexes goes by.

    So it is replaced first, and the alias that all others follow after it; a move that was killed in between switches
    the alias when it goes on. Each generation says itself which physical collection has its points.
    """

    locks = True
    """Whoever indexes does so on this machine, under its lock."""

    def __init__(
        self,
        succession: Succession,
        described: Collection,
        settings: Settings,
        begun: Record | None,
        *,
        cut_anew: bool = False,
    ) -> None:
        """Take both generations. The server is asked for what the names stand for."""
        from coderank.migration.aliased import ServerSite  # noqa: PLC0415 - the client takes 0.5 s to import
        from coderank.store.server_names import free_name, metadata, resolve  # noqa: PLC0415

        self.label = succession.label
        self._succession = succession
        self._described = described
        self._settings = settings
        self._cut_anew = cut_anew
        self._connection = connect(described, settings)
        self._name = described.store.collection if described.store else ""
        old_folder, new_folder = map(succession.folder_of, (succession.old, succession.new))
        old = pin.read_pin(old_folder, self._name) or resolve(self._connection, self._name)
        if old is None:
            raise StoreError(
                f"There is no collection {self._name} at {self._connection.url}", "Index it: coderank index --rebuild"
            )
        owned = Ownership(succession.home.folder, described.name)
        owned.check(metadata(self._connection, old), f"{self._connection.url} {old}")
        model = succession.new.fingerprint.model
        new = old if new_folder == old_folder else pin.read_pin(new_folder, self._name)
        self._places = old, new or free_name(self._connection, self._name, model)
        record = Record(
            old=kind_in(succession.old.fingerprint),
            new=kind_in(succession.new.fingerprint),
            old_place=self._places[0],
            new_place=self._places[1],
            backup=begun.backup if begun else "",
        )
        self._there: ServerSite = ServerSite(
            self._connection, self.label, self._name, record, DENSE, succession.new.fingerprint
        )

    def alone(self) -> AbstractContextManager[None]:
        """Do nothing: whoever moves an index holds its lock."""
        return nullcontext()

    def live(self) -> RawPoints:
        """Give the old points."""
        return self._there.live()

    def shadow(self) -> RawPoints:
        """Give the new points."""
        return self._there.shadow()

    def space(self) -> Space:
        """Say where things are; what room a server has is not told by it."""
        return self._there.space()

    def back_up(self) -> str:
        """Have the server make a snapshot, after each generation was told where its points are."""
        for record, place in zip((self._succession.old, self._succession.new), self._places, strict=True):
            pin.write_pin(self._succession.folder_of(record), self._name, place)
        return self._there.back_up()

    def quiet(self) -> AbstractContextManager[None]:
        """Keep syncs out. Raises IndexBusyError where one does not end."""
        return self._succession.quiet()

    def settle(self) -> None:
        """Give the new generation its manifest, and make its folder one that can be opened as an index for itself."""
        self._hand_manifest(whole=True)
        new = self._succession.new
        fingerprint.write(self._succession.folder_of(new), new.fingerprint, self._succession.home.root)

    def cut_over(self, *, whole: bool) -> None:
        """Name the new generation in the record, then let the alias lead to its points."""
        self._succession.check_live()
        self._there.check_live()
        self._hand_manifest(whole=whole)
        self._succession.name(self._succession.new)
        self._there.cut_over(whole=whole)

    def roll_back(self) -> None:
        """Name the old generation again, then let the alias lead to its points."""
        self._succession.name(self._succession.old)
        self._there.roll_back()

    def follow(self, stage: Stage) -> None:
        """Let the alias lead to what the record names, where a kill kept it from that."""
        from coderank.store.server_names import resolve  # noqa: PLC0415 - as above

        found = resolve(self._connection, self._name)
        if stage is Stage.LIVE and found != self._places[1]:
            self._there.cut_over(whole=True)
        elif stage is Stage.ROLLED_BACK and found != self._places[0]:
            self._there.roll_back()

    def left_behind(self) -> list[PointId]:
        """Name none: only syncs write, and what the points say is in the source."""
        return []

    def drop_old(self) -> int:
        """Delete the old points, their snapshot and their manifest."""
        self._succession.check_unused(self._succession.old)
        self._there.drop_old()
        return self._forgotten(self._succession.old)

    def drop_shadow(self) -> int:
        """Delete the new points, the snapshot and their manifest."""
        self._succession.check_unused(self._succession.new)
        self._there.drop_shadow()
        return self._forgotten(self._succession.new)

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    def _forgotten(self, unused: IndexRecord) -> int:
        (self._succession.folder_of(unused) / pin.FILE_NAME).unlink(missing_ok=True)
        self._succession.forget(unused)
        return 0

    def _hand_manifest(self, *, whole: bool) -> None:
        if self._cut_anew:
            return
        new = self._succession.new.fingerprint
        place = pinned(self._described, self._places[1])
        store = open_store(place, self._settings, new.dimension, fingerprint=new)
        try:
            dense = store.counts().dense
        finally:
            store.close()
        self._succession.hand_manifest(dense, whole=whole)
