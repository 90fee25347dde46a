"""The migration of one collection: plan, back up, fill the shadow, verify, compare, cut over; and the way back."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coderank.errors import WRITABLE, CoderankError, IndexNotWritableError, UsageError
from coderank.migration.contract import Moving, Step
from coderank.migration.journal import Stage
from coderank.migration.looking import count_of, written_since
from coderank.migration.plan import bytes_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.migration.contract import Gate, Grow, Growth, Listener, Site, Verdict, Verified
    from coderank.migration.journal import Journal, Record

ROUNDS = 5
"""Rounds of catching up before the one that keeps writers out: each takes in what was written during the one before, so
they get short unless points are written faster than they are embedded."""
SHORT = 256
"""Points that the last round, during which writers wait, may have to embed: seconds."""


class NotMovableError(CoderankError):
    """Points would lose their vector."""


class GateError(CoderankError):
    """The new points answer worse than the old."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a migration did, and where it stands."""

    label: str
    old: str
    new: str
    stage: Stage
    cut_anew: bool = False
    """Whether the new points were cut from the source by other rules than the old."""
    points: int = 0
    embedded: int = 0
    """Vectors made in this run, cached ones included."""
    refused: tuple[str, ...] = ()
    """Points that the model does not take, as ``id: reason``; words find them."""
    missing: tuple[str, ...] = ()
    """Points without a text to embed, as ``id: reason``."""
    backup: str = ""
    verified: Verified | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unused:
    """Points that readers are not served from, and the backup."""

    made_with: str
    place: str
    """A generation of an index folder, empty for the folder itself; or a collection of a server."""
    backup: str


@dataclass(frozen=True, slots=True)
class Former:
    """A move that was begun before and not finished, and is to be given up for the one that is asked for."""

    record: Record
    drop: Callable[[], int]
    """Deletes everything that it made, and returns how many bytes that gave back."""


class Migration:
    """One collection on its way from one set of points to another, as far as its journal says.

    Every method can be called again after a kill at any moment, and does nothing twice.
    """

    def __init__(
        self, site: Site, journal: Journal, record: Record, grow: Grow, *, former: Former | None = None
    ) -> None:
        """Take the parts; ``grow`` begins to bring the new points up, by carrying them over or cutting them anew.

        ``former`` is given up by `run` and `drop`, not before.
        """
        self._site = site
        self._journal = journal
        self._grow = grow
        self._former = former
        self.record = record
        """What is behind it, as on the disk."""

    def run(
        self,
        *,
        allow_missing: bool = False,
        gate: Gate | None = None,
        begin: Callable[[Growth], object] | None = None,
        then: Callable[[], object] | None = None,
        on_progress: Listener | None = None,
        force: bool = False,
    ) -> Report:
        """Go on from where the last run ended, up to the cut-over; readers are served all the time.

        ``begin`` may write vectors that were made elsewhere, before those that are missing are made; ``then`` is called
        at the moment of the cut-over, before what was written late is taken along.

        Raises:
            NotMovableError: points have no text to embed, and ``allow_missing`` does not say that they may go without.
            GateError: ``gate`` found that the new points answer worse.
            UsageError: a roll-back has kept points that were written to the new side alone, which going forward would
                delete, and ``force`` does not say that this is known.
            StoreError: the new points are not what they should be.
        """
        started = time.monotonic()
        self._give_up()
        if self.record.stage is Stage.LIVE:
            return self._report()
        if self.record.stage is Stage.SWITCHED:
            return self._go_on_after_switch(started, then, on_progress)
        if self.record.unseen and not force:
            self._check_kept()
        if self.record.stage is Stage.PLANNED:
            self._check_room()
            self._journal.write(self.record)
            _tell(on_progress, Step.BACK_UP)
            self._change(stage=Stage.BACKED_UP, backup=self._site.back_up())
        growth = self._grow(self._without_vector, on_progress)
        if begin is not None:
            begin(growth)
        self._catch_up(growth, allow_missing=allow_missing)
        verified = self._verified(growth, on_progress)
        self._site.settle()
        verdict = self._passed(gate, on_progress)
        _tell(on_progress, Step.CUT_OVER)
        with self._site.quiet():
            if growth.round():
                self._check_missing(allow_missing=allow_missing)
                verified = self._verified(growth, None)
            if not self._site.locks:
                self._journal.keep_sums(growth.sums)
            self._site.cut_over(whole=not self.record.missing)
            self._change(stage=Stage.LIVE if self._site.locks else Stage.SWITCHED, unseen=False)
        self._take_late(growth, then)
        report = self._report()
        return replace(
            report,
            points=len(growth.seen),
            embedded=growth.embedded,
            verified=verified,
            verdict=verdict,
            seconds=time.monotonic() - started,
        )

    def _take_late(self, growth: Growth, then: Callable[[], object] | None) -> None:
        try:
            if then is not None:
                then()
        finally:
            if self.record.stage is Stage.SWITCHED:
                growth.late()
                self._change(stage=Stage.LIVE)
                self._journal.forget_sums()

    def _go_on_after_switch(
        self, started: float, then: Callable[[], object] | None, on_progress: Listener | None
    ) -> Report:
        """Take along what was written to the old points at a cut-over whose process ended before it did."""
        growth = self._grow(self._without_vector, on_progress)
        growth.sums = self._journal.sums()
        self._take_late(growth, then)
        points, seconds = count_of(self._site.shadow()), time.monotonic() - started
        return replace(self._report(), points=points, embedded=growth.embedded, seconds=seconds)

    def roll_back(self, *, force: bool = False) -> Report:
        """Serve readers from the old points again; the new ones are kept.

        Raises:
            UsageError: there was no move or no cut-over, or points were written since that the old side would not have,
                and ``force`` does not say that this is known.
        """
        self._check_moved()
        if self.record.stage is Stage.ROLLED_BACK:
            return self._report()
        if not self.record.stage.on_new:
            raise UsageError(
                f"{self._site.label} was not cut over, so there is nothing to roll back", "It is served as before"
            )
        if not self._site.locks and not force:
            self._check_written()
        with self._site.quiet():
            self._site.roll_back()
            self._change(stage=Stage.ROLLED_BACK, unseen=not self._site.locks and force)
        return self._report()

    def unused(self) -> Unused:
        """Say what `drop` would delete. Raises UsageError where no move has left any points."""
        if self._former is not None:
            given_up = self._former.record
            return Unused(given_up.names[1], given_up.new_place, given_up.backup)
        self._check_moved()
        record = self.record
        if record.stage is Stage.SWITCHED:
            raise UsageError(
                f"What was written to {record.old_place} while {self._site.label} was cut over is not yet taken along",
                f"Do that first: coderank migrate {self._site.label}",
            )
        if record.stage is Stage.LIVE:
            return Unused(record.names[0], record.old_place, record.backup)
        return Unused(record.names[1], record.new_place, record.backup)

    def drop(self, *, force: bool = False) -> int:
        """Delete the points that are not in use, and the backup; return how many bytes that gave back.

        Raises what `unused` raises, and:
            UsageError: the new side lacks some of the old points, and ``force`` does not say that this is known.
        """
        self.unused()
        if self._former is not None:
            return self._give_up()
        if self.record.stage is Stage.LIVE and not force:
            self._check_left_behind()
        freed = self._site.drop_old() if self.record.stage is Stage.LIVE else self._site.drop_shadow()
        self._journal.remove()
        return freed

    def _give_up(self) -> int:
        """Delete what the former move made, and forget it."""
        if self._former is None:
            return 0
        freed = self._former.drop()
        self._journal.remove()
        self._former = None
        return freed

    def _check_moved(self) -> None:
        """Refuse to go back, or to delete, where the points in use are the only ones."""
        if self.record.old_place == self.record.new_place or self._journal.read() is None:
            raise UsageError(
                f"{self._site.label} was not moved, so there are no points beside those in use",
                "See what a move would do: --dry-run",
            )

    def _check_left_behind(self) -> None:
        behind = self._site.left_behind()
        if behind:
            raise UsageError(
                f"{self.record.new_place} lacks {len(behind):,} points of {self.record.old_place}, the first is "
                f"{behind[0]}: written there since the cut-over, or deleted from the new points",
                "Write what is needed to the new ones, then delete the old all the same: --drop-old --force",
            )

    def _check_written(self) -> None:
        written = written_since(self._site.live(), self._site.shadow())
        if written:
            raise UsageError(
                f"{written:,} points of {self._site.label} were written or changed since it was cut over, which the "
                "old points do not have",
                "Roll back without them, they are kept in the new collection: --rollback --force",
            )

    def _check_kept(self) -> None:
        written = written_since(self._site.live(), self._site.shadow())
        if written:
            raise UsageError(
                f"{written:,} points of {self.record.new_place} are not like that in {self.record.old_place}; going "
                "back has kept them, and going forward would delete them or replace them by the old ones",
                f"Write what is needed to the old points, or go without: coderank migrate {self._site.label} --force",
            )

    def _check_room(self) -> None:
        """Refuse to begin what the disk has no room for."""
        space = self._site.space()
        needed = space.reserve + bytes_needed(space.taken, count_of(self._site.live()), self.record, backed_up=False)
        if space.free is not None and space.free < needed:
            raise IndexNotWritableError(
                f"Moving {self._site.label} needs about {needed // 2**20:,} MiB for its backup and new points, "
                f"{space.free // 2**20:,} MiB are free at {space.shadow}",
                WRITABLE,
            )

    def _catch_up(self, growth: Growth, *, allow_missing: bool) -> None:
        for _ in range(ROUNDS):
            changed = growth.round()
            self._prune(growth)
            self._check_missing(allow_missing=allow_missing)
            if changed <= SHORT:
                return

    def _prune(self, growth: Growth) -> None:
        """Forget reasons of points that are gone."""
        seen = set(map(str, growth.seen))
        refused, missing = ({id_: why for id_, why in all_.items() if id_ in seen} for all_ in self._reasons)
        if (refused, missing) != self._reasons:
            self._change(refused=refused, missing=missing)

    @property
    def _reasons(self) -> tuple[dict[str, str], dict[str, str]]:
        return self.record.refused, self.record.missing

    def _without_vector(self, ids: set[str], refused: dict[str, str], missing: dict[str, str]) -> None:
        """Record why points have no vector, before they are written without one."""
        before = [{id_: why for id_, why in all_.items() if id_ not in ids} for all_ in self._reasons]
        reasons = (before[0] | refused, before[1] | missing)
        if reasons != self._reasons:
            self._change(refused=reasons[0], missing=reasons[1])

    def _check_missing(self, *, allow_missing: bool) -> None:
        missing = self.record.missing
        if missing and not allow_missing:
            id_, why = next(iter(missing.items()))
            raise NotMovableError(
                f"{len(missing):,} points of {self._site.label} have no text to embed, the first is {id_}: {why}",
                "Index them again, or let them go without a vector: --allow-missing",
            )

    def _verified(self, growth: Growth, on_progress: Listener | None) -> Verified:
        return growth.verify(self.record.refused.keys() | self.record.missing.keys(), on_progress)

    def _passed(self, gate: Gate | None, on_progress: Listener | None) -> Verdict | None:
        if gate is None:
            return None
        _tell(on_progress, Step.COMPARE)
        verdict = gate()
        if not verdict.passed:
            raise GateError(
                f"{self._site.label} was not cut over: {verdict.summary}",
                "It is served as before. Go on without --gate if that is what you want",
            )
        return verdict

    def _change(self, **fields: object) -> None:
        self.record = self._journal.change(self.record, **fields)

    def _report(self) -> Report:
        refused, missing = (tuple(f"{id_}: {why}" for id_, why in all_.items()) for all_ in self._reasons)
        return Report(
            label=self._site.label,
            old=self.record.names[0],
            new=self.record.names[1],
            stage=self.record.stage,
            cut_anew=self.record.cut_anew,
            refused=refused,
            missing=missing,
            backup=self.record.backup,
        )


def _tell(on_progress: Listener | None, step: Step) -> None:
    if on_progress:
        on_progress(Moving(step, 0, 0))
