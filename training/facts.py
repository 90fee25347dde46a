"""What is known of a model that comes with coderank, as a committed file: its card is made of it (`training.cards`).

``python -m training.facts figure coderank-mini "CodeSearchNet java, dense" RUN.json --against OTHER.json`` adds a
figure from the runs that ``coderank eval --out`` writes, with its 95 % interval, or replaces the one of that name.
``python -m training.facts data coderank-mini report.json`` takes over what `training.dataset` reports of its pairs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coderank.evaluation.bootstrap import paired
from coderank.evaluation.runs import read, same_questions
from coderank.evaluation.versus import HEADLINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.runs import Run

FOLDER = Path(__file__).parent / "figures"


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mean over questions with its 95 % interval."""

    mean: float
    low: float
    high: float


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How good the model was at something."""

    what: str
    measure: str
    questions: int
    value: Interval
    against: str = ""
    """What it is compared with, over the same questions."""
    gain: Interval | None = None


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model that the training began with."""

    name: str
    licence: str
    """SPDX identifier."""


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the card says beyond what the catalogue, the manifest and the list of packages know."""

    purpose: str
    base: Base
    pairs: dict[str, int] = {}
    """Pairs of a description and its code that it was trained on, by language."""
    packages: int = 0
    """That gave pairs."""
    dropped: dict[str, int] = {}
    """Pairs that were not taken, by why."""
    kept_out: tuple[str, ...]
    """What the training never saw, and how that was checked."""
    commands: tuple[str, ...]
    """That make it again, in their order."""
    machine: str
    """What they ran on, and for how long."""
    figures: tuple[Figure, ...]
    limits: tuple[str, ...]


def read_facts(name: str, folder: Path = FOLDER) -> Facts:
    """Read the file of a model; SystemExit names what is wrong with it."""
    path = folder / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Facts)
    except OSError as error:
        raise SystemExit(f"Cannot read what is known of {name}, {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SystemExit(f"{path} cannot be used: {error}") from error


def write_facts(name: str, facts: Facts, folder: Path = FOLDER) -> None:
    """Write the file of a model."""
    written = msgspec.json.format(msgspec.json.encode(facts), indent=2)
    (folder / f"{name}.json").write_bytes(written + b"\n")


def figure(what: str, run: Run, against: Run | None) -> Figure:
    """Measure a run, and its distance to another over the same questions."""
    found, weights = run.values(HEADLINE), run.weights()
    gain = None
    if against is not None:
        same_questions(run, against)
        gain = _interval(found, against.values(HEADLINE), weights)
    return Figure(
        what=what,
        measure="nDCG@10",
        questions=len(found),
        value=_interval(found, [0.0] * len(found), weights),
        against=against.name if against else "",
        gain=gain,
    )


def with_data(facts: Facts, report: Path) -> Facts:
    """Take over the pairs that were trained on, and those that were dropped."""
    found = msgspec.json.decode(report.read_bytes(), type=_Report)
    dropped = {why: count for why, count in found.pairs.items() if why != "kept"}
    return msgspec.structs.replace(facts, pairs=found.train.languages, packages=found.train.packages, dropped=dropped)


class _Split(msgspec.Struct):
    packages: int
    languages: dict[str, int]


class _Report(msgspec.Struct):
    pairs: dict[str, int]
    train: _Split


def _interval(ours: Sequence[float], theirs: Sequence[float], weights: Sequence[float]) -> Interval:
    return Interval(**paired(ours, theirs, weights).record())


def main(arguments: Sequence[str] | None = None) -> None:
    """Add a figure, or the account of the data, to what is known of a model."""
    parser = argparse.ArgumentParser(prog="python -m training.facts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (measured := commands.add_parser("figure"), told := commands.add_parser("data")):
        command.add_argument("name", help="of the model")
        command.add_argument("--folder", type=Path, default=FOLDER, help="where the facts are")
    measured.add_argument("what", help="what was measured, as the card says it")
    measured.add_argument("run", type=Path, help="written by coderank eval --out")
    measured.add_argument("--against", type=Path, help="the run of what it is compared with")
    told.add_argument("report", type=Path, help="written by training.dataset")
    given = parser.parse_args(arguments)
    facts = read_facts(given.name, given.folder)
    if given.command == "data":
        write_facts(given.name, with_data(facts, given.report), given.folder)
        return
    new = figure(given.what, read(given.run), read(given.against) if given.against else None)
    kept = {one.what: one for one in facts.figures} | {new.what: new}
    write_facts(given.name, msgspec.structs.replace(facts, figures=tuple(kept.values())), given.folder)
    print(f"{new.what}: {new.value.mean:.3f}" + (f", {new.gain.mean:+.3f} to {new.against}" if new.gain else ""))


if __name__ == "__main__":
    main()
