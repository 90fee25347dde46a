"""What migrations would do and did, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.cli.output import size
from coderank.errors import CoderankError
from coderank.evaluation.tables import Table, lines
from coderank.migration.journal import Stage
from coderank.render import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.migration.plan import Plan
    from coderank.migration.run import Report

_LABEL_COLUMNS = 12


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield a plan, one fact a line."""
    yield _fact("collection", visible(plan.label))
    yield _fact("from", plan.old)
    yield _fact("to", plan.new)
    if plan.precision:
        yield _fact("precision", f"{plan.precision} on this machine; vectors are kept in 16 bits")
    yield _fact("begun", plan.stage)
    there = f", {plan.there:,} of them done" if plan.there else ""
    cut = "" if plan.reused is None else f", cut anew from the source; {plan.reused:,} have a vector that is known"
    yield _fact("points", f"{plan.points:,}{cut}{there}")
    yield _fact("tokens", f"about {plan.tokens:,} to embed")
    yield _fact("time", f"about {duration(plan.seconds)} at {plan.rate:,.1f} points/s, as tried just now")
    free = "" if plan.free is None else f", {size(plan.free)} free"
    yield _fact("disk", f"about {size(plan.needed)} for backup and new points{free}")
    yield _fact("backup", visible(plan.backup))
    yield _fact("new points", visible(plan.shadow))


def report_lines(name: str, report: Report, *, verbose: bool) -> Iterator[str]:
    """Yield what a migration did: a line, and with ``verbose`` what was verified and every point without a vector."""
    yield f"{visible(name)}: {_outcome(report)}"
    if report.cut_anew and report.stage is Stage.ROLLED_BACK:
        yield "  they can be searched by the older version only that cut them"
    if report.refused:
        yield f"  {len(report.refused):,} points are found by words only, as {report.new} does not take their text"
    if report.missing:
        yield f"  {len(report.missing):,} points have no vector, as there is no text of theirs"
    if not verbose:
        return
    if report.verified:
        checked = report.verified
        again = f"{checked.sampled} embedded again: cosine {checked.worst_cosine:.4f} at least"
        yield f"  verified {checked.points:,} points; {again}"
    if report.verdict:
        yield f"  {report.verdict.summary}"
    if report.backup:
        yield f"  backup: {visible(report.backup)}"
    yield from (f"  refused {visible(reason)}" for reason in report.refused)
    yield from (f"  without text {visible(reason)}" for reason in report.missing)


def table(outcomes: Sequence[tuple[str, Report | CoderankError]], width: int | None) -> str:
    """Render what several migrations did, one a row."""
    rows = [_row(name, outcome) for name, outcome in outcomes]
    columns = ("collection", "state", "points", "embedded", "refused", "no text", "time")
    return "".join(f"{line}\n" for line in lines(Table("", columns, rows), width))


def duration(seconds: float) -> str:
    """Write a time in the unit that fits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _row(name: str, outcome: Report | CoderankError) -> list[str]:
    if isinstance(outcome, CoderankError):
        return [visible(name), f"failed: {visible(outcome.message)}", *["-"] * 5]
    numbers = (outcome.points, outcome.embedded, len(outcome.refused), len(outcome.missing))
    return [visible(name), _state(outcome), *(f"{number:,}" for number in numbers), duration(outcome.seconds)]


def _outcome(report: Report) -> str:
    if report.stage is Stage.ROLLED_BACK:
        return f"{_state(report)}; the new points are kept"
    if not report.seconds:
        return f"{_state(report)} already"
    return (
        f"{_state(report)}: {report.points:,} points, {report.embedded:,} embedded, in {duration(report.seconds)};"
        " the old points are kept"
    )


def _state(report: Report) -> str:
    return f"back on {report.old}" if report.stage is Stage.ROLLED_BACK else f"on {report.new}"


def _fact(label: str, value: str) -> str:
    return f"{label:<{_LABEL_COLUMNS}}{value}"
