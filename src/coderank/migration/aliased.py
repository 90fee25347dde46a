"""A collection on a server as the place of a migration: a second collection beside it, and an alias that says which."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from coderank.errors import IndexNotFoundError, StoreError
from coderank.migration.looking import lacking
from coderank.store.made_with import MadeWith
from coderank.store.room import Space
from coderank.store.server_collection import limit_like, make_like
from coderank.store.server_names import LIVE, aliases, collections, delete_collection, drop_alias, point_alias, resolve
from coderank.store.server_points import ServerPoints, open_server_points
from coderank.store.server_snapshots import (
    Snapshot,
    create_snapshot,
    delete_snapshot,
    list_snapshots,
    nodes,
    verify_snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from coderank.migration.journal import Record
    from coderank.store.fingerprint import Fingerprint
    from coderank.store.raw import PointId, RawPoint, VectorSpec
    from coderank.store.server_connection import Connection


class ServerSite:
    """Where one name of a server leads. A name that a collection has itself is led by the alias ``NAME.live``."""

    locks = False
    """Other programs write without asking: what they wrote at the moment of the cut-over is taken along after it."""

    def __init__(
        self,
        connection: Connection,
        label: str,
        name: str,
        record: Record,
        vector: str,
        fingerprint: Fingerprint | None,
    ) -> None:
        """Take the name that readers use, and the record of the move; ``fingerprint`` is told by what coderank made."""
        self.label = label
        """What the user calls the collection."""
        self._connection = connection
        self._name = name
        self._record = record
        self._backup = record.backup
        self._live = open_server_points(connection, record.old_place)
        self._shadow = _Shadow(connection, record, vector, fingerprint)

    def alone(self) -> AbstractContextManager[None]:
        """Do nothing: whoever moves a collection holds a lock of this machine."""
        return nullcontext()

    def live(self) -> ServerPoints:
        """Give the old points."""
        return self._live

    def shadow(self) -> _Shadow:
        """Give the new points; the first write makes their collection, like the old one but for the dimension."""
        return self._shadow

    def space(self) -> Space:
        """Say where things are; what room a server has is not told by it."""
        return Space(0, None, f"a snapshot of {self._record.old_place}", self._record.new_place)

    def back_up(self) -> str:
        """Have the server make a snapshot of the old points, check that it is kept, and name it."""
        made = create_snapshot(self._connection, self._record.old_place)
        verify_snapshot(self._connection, made)
        several = nodes(self._connection)
        whose = f" (of the shards of one of {several} nodes)" if several > 1 else ""
        self._backup = f"snapshot {made.name} of {made.collection}, {made.size:,} bytes{whose}"
        return self._backup

    def quiet(self) -> AbstractContextManager[None]:
        """Do nothing: a server keeps nobody out."""
        return nullcontext()

    def settle(self) -> None:
        """Do nothing: a server compacts by itself."""

    def cut_over(self, *, whole: bool) -> None:  # noqa: ARG002 - a server keeps no manifest
        """Let the name lead to the new points, in one step; the limits of the old collection hold for the new.

        Raises what `check_live` raises.
        """
        self.check_live()
        limit_like(self._connection, self._record.new_place, self._record.old_place)
        point_alias(self._connection, self._alias(), self._record.new_place)

    def roll_back(self) -> None:
        """Let the name lead to the old points again."""
        if self._record.old_place == self._name:
            drop_alias(self._connection, f"{self._name}{LIVE}")
        else:
            point_alias(self._connection, self._alias(), self._record.old_place)

    def check_live(self) -> None:
        """Refuse to go on where the name leads elsewhere than when the move began: somebody else has switched it."""
        found = resolve(self._connection, self._name)
        if found not in (self._record.old_place, self._record.new_place):
            raise StoreError(
                f"{self._name} leads to {found or 'nothing'} now, not to {self._record.old_place}, with which the move "
                f"of {self.label} began; it was not cut over",
                f"If that is right, give the move up and begin anew: coderank migrate {self.label} --force",
            )

    def left_behind(self) -> list[PointId]:
        """Name old points that the new side lacks: written there since the cut-over, or deleted from the new."""
        if self._record.old_place not in collections(self._connection):  # deleted by a run that was killed then
            return []
        return lacking(self._live, self._shadow)

    def drop_old(self) -> int:
        """Delete the old points and their snapshot; a name that they had themselves becomes an alias of the new."""
        self._delete(self._record.old_place)
        if self._record.old_place == self._name:
            point_alias(self._connection, self._name, self._record.new_place)
            drop_alias(self._connection, f"{self._name}{LIVE}")
        return 0

    def drop_shadow(self) -> int:
        """Delete the new points and the snapshot of the old."""
        self._delete(self._record.new_place)
        return 0

    def _alias(self) -> str:
        return f"{self._name}{LIVE}" if self._name in collections(self._connection) else self._name

    def _delete(self, unused: str) -> None:
        if unused in aliases(self._connection).values() or unused == resolve(self._connection, self._name):
            raise StoreError(f"The points {unused} are in use under a name", "Nothing was deleted")
        for snapshot in self._snapshots():
            delete_snapshot(self._connection, snapshot)
        delete_collection(self._connection, unused)

    def _snapshots(self) -> list[Snapshot]:
        """Those of the old points that this move has made; others are not touched."""
        if self._record.old_place not in collections(self._connection):
            return []
        kept = list_snapshots(self._connection, self._record.old_place)
        return [one for one in kept if f"snapshot {one.name} " in self._backup]


class _Shadow:
    """RawPoints of a collection that need not be there yet."""

    def __init__(self, connection: Connection, record: Record, vector: str, fingerprint: Fingerprint | None) -> None:
        self._connection = connection
        self._record = record
        self._vector = vector
        self._fingerprint = fingerprint
        self._points = open_server_points(connection, record.new_place)
        self._made = False

    def specs(self) -> tuple[VectorSpec, ...]:
        return self._there().specs()

    def count(self) -> int:
        return self._there().count()

    def pages(self, *, vectors: bool, size: int = 1000, after: PointId | None = None) -> Iterator[list[RawPoint]]:
        return self._there().pages(vectors=vectors, size=size, after=after)

    def retrieve(self, ids: Sequence[PointId], *, vectors: bool) -> list[RawPoint]:
        return self._there().retrieve(ids, vectors=vectors)

    def write(self, points: Sequence[RawPoint]) -> None:
        if not self._made:
            new = self._record.new
            make_like(
                self._connection,
                self._record.new_place,
                self._record.old_place,
                vector=self._vector,
                dimension=new.dimension,
                fingerprint=self._fingerprint,
                made=MadeWith(new.model, new.revision, new.dimension),
            )
            self._made = True
        self._points.write(points)

    def delete(self, ids: Sequence[PointId]) -> None:
        self._there().delete(ids)

    def close(self) -> None:
        self._points.close()

    def _there(self) -> ServerPoints:
        self._made = self._made or self._record.new_place in collections(self._connection)
        if not self._made:
            raise IndexNotFoundError(f"There is no collection {self._record.new_place} yet")
        return self._points
