"""``coderank migrate``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.cli import options
from coderank.errors import CoderankError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.engine import Engine
    from coderank.migration.run import Report
    from coderank.moving.index import IndexMove
    from coderank.moving.server import ServerMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for, the same for every collection."""

    model: str
    dimension: int
    force: bool
    resume: bool
    dry_run: bool
    allow_missing: bool
    verbose: bool
    queries: Path | None
    max_loss: float


@click.command(short_help="Move collections to another model, without downtime.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--model", "model", default="", metavar="M", help="The model to move to.")
@click.option(
    "--dimension",
    type=click.IntRange(1),
    default=None,
    help="Cut its vectors to N numbers if it was trained for that; else refuse it.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Give up what was begun and not finished, and begin anew; or go without points that only the other side has.",
)
@click.option("-v", "--verbose", is_flag=True, help="Name every point without a vector, and what was verified.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and what it would take, and change nothing.")
@click.option("--resume", is_flag=True, help="Only go on with what was begun; begin nothing.")
@click.option("--allow-missing", is_flag=True, help="Let points without a text go without a vector.")
@click.option("--gate", is_flag=True, help="Cut over only if the new points answer --queries as well as the old.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Questions with answers, as `coderank compare` takes them.",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="X",
    help="What --gate lets them lose of nDCG@10.",
)
@click.option("--rollback", is_flag=True, help="Use the points from before again; the new ones are kept.")
@click.option("--drop-old", is_flag=True, help="Delete the points that are not in use, and the backup.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--keep-going", is_flag=True, help="Go on with the next collection when one fails.")
@options.index_dir
def migrate(
    names: tuple[str, ...],
    *,
    dimension: int | None,
    gate: bool,
    rollback: bool,
    drop_old: bool,
    yes: bool,
    keep_going: bool,
    index_dir: Path | None,
    **wish: str | bool | float | Path | None,
) -> int:
    """Move each collection NAME (or PATH that is indexed) to another model.

    The points are copied aside, embedded anew beside the old ones, verified, and taken into use in one step. Searches
    are answered all the time, and what is written meanwhile is taken along. A move that was interrupted goes on when
    the command is run again. The old points are kept until --drop-old.
    """
    asked = Wish(dimension=dimension or 0, **wish)  # type: ignore[arg-type] # click checked the options
    options.refuse_shared_index_dir(index_dir, names)
    from coderank.cli.moved import opened  # noqa: PLC0415 - not needed to print help

    if gate != (asked.queries is not None):
        raise UsageError("--gate and --queries need each other", "Give both: --gate --queries FILE")
    if rollback and drop_old:
        raise UsageError("--rollback and --drop-old exclude each other", "Roll back first, then see whether it answers")
    if asked.force and (asked.resume or asked.dry_run):
        other = "--resume" if asked.resume else "--dry-run"
        raise UsageError(
            f"--force and {other} exclude each other", f"Leave --force out to keep what was begun: {other}"
        )
    if rollback and asked.dry_run:
        raise UsageError("--rollback has no --dry-run", "It deletes nothing, and coderank migrate goes forward again")
    outcomes: list[tuple[str, Report | CoderankError]] = []
    for name in names:
        try:
            with opened(name, asked.model, index_dir) as engine:
                if drop_old:
                    _drop(engine, asked, yes=yes)
                elif asked.dry_run:
                    _show_plan(engine, asked)
                else:
                    outcomes.append((name, _roll_back(engine, asked) if rollback else _run(engine, asked)))
        except CoderankError as error:
            if not keep_going:
                _show(outcomes, asked)
                raise
            outcomes.append((name, error))
    _show(outcomes, asked)
    return int(any(isinstance(outcome, CoderankError) for _, outcome in outcomes))


def _move(engine: Engine, wish: Wish) -> IndexMove | ServerMove:
    from coderank.cli.moved import move_of  # noqa: PLC0415 - numpy and the engine's library: not needed to print help

    return move_of(engine, wish.model, dimension=wish.dimension, force=wish.force)


def _run(engine: Engine, wish: Wish) -> Report:
    from coderank.cli.gating import gate_of  # noqa: PLC0415
    from coderank.cli.moved import reconfiguring  # noqa: PLC0415
    from coderank.cli.progress import told  # noqa: PLC0415

    with _move(engine, wish) as move:
        if wish.resume and not move.is_begun:
            raise UsageError(
                f"No move of {engine.label} to {move.record.new} was begun",
                f"Begin one: coderank migrate {engine.collection or engine.arguments}",
            )
        gate = gate_of(engine, move, wish.queries, wish.max_loss) if wish.queries else None
        tell = reconfiguring(engine, move)
        with told(engine.label) as listener:
            report = move.run(
                allow_missing=wish.allow_missing,
                gate=gate,
                then=partial(tell, during=True),
                on_progress=listener,
            )
        tell()  # where a run before was killed before it did
        return report


def _roll_back(engine: Engine, wish: Wish) -> Report:
    from coderank.cli.moved import reconfigure  # noqa: PLC0415

    with _move(engine, wish) as move:
        report = move.roll_back()
        if done := reconfigure(engine, move.record.in_use):
            click.echo(done, err=True)
        return report


def _drop(engine: Engine, wish: Wish, *, yes: bool) -> None:
    from coderank.cli.output import size  # noqa: PLC0415
    from coderank.render import visible  # noqa: PLC0415

    label = visible(engine.label)
    with _move(engine, wish) as move:
        found = move.unused()
        unused = found.made_with
        if wish.dry_run:
            where = visible(found.place or str(engine.home.folder))
            backup = visible(found.backup or "none")
            sys.stdout.write(
                f"{label}: would delete the points made with {unused}: {where}; and the backup: {backup}\n"
            )
            return
        question = f"Delete the points of {label} made with {unused}, and the backup?"
        if not yes and not click.confirm(question, err=True):
            raise click.Abort
        freed = move.drop()
    sys.stdout.write(f"{label}: the points made with {unused} are deleted; {size(freed)} freed\n")


def _show_plan(engine: Engine, wish: Wish) -> None:
    from coderank.cli.migration_table import plan_lines  # noqa: PLC0415

    with _move(engine, wish) as move:
        for line in plan_lines(move.plan()):
            sys.stdout.write(f"{line}\n")


def _show(outcomes: Sequence[tuple[str, Report | CoderankError]], wish: Wish) -> None:
    from coderank.cli.migration_table import report_lines, table  # noqa: PLC0415
    from coderank.cli.model_table import screen_width  # noqa: PLC0415

    for name, outcome in outcomes if len(outcomes) == 1 or wish.verbose else ():
        if not isinstance(outcome, CoderankError):
            for line in report_lines(name, outcome, verbose=wish.verbose):
                sys.stdout.write(f"{line}\n")
    if len(outcomes) > 1:
        sys.stdout.write(table(outcomes, screen_width()))
