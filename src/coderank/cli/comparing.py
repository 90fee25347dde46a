"""Asks two indexes the same questions, each in a process of its own, so that time and memory are its own as well."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coderank import __version__, wiring
from coderank.cli.apart import apart
from coderank.cli.masking import hidden_lines, kept_generation, masked_copy, moved
from coderank.cli.moved import is_collection, move_of
from coderank.engine import Engine
from coderank.errors import ConfigurationError, DatasetError, PathNotFoundError
from coderank.evaluation import golden, machine
from coderank.evaluation.drawing import draw, history
from coderank.evaluation.runs import Run
from coderank.evaluation.sides import Comparison, Cost, Side, side
from coderank.indexing.gathered import GatheredTree
from coderank.indexing.keeping import InFolder
from coderank.settings import Settings, expanded
from coderank.store import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.datasets import Dataset
    from coderank.evaluation.golden import Asked
    from coderank.types import SearchResult, Status
    from coderank.wiring import Opening


GENERATIONS = ("old", "new")
"""What may stand behind an ``@``: the points of before a migration, and those of after it."""


@dataclass(frozen=True, slots=True)
class Where:
    """One of the two, and what it is called."""

    name: str
    root: str = ""
    """Empty of a collection."""
    collection: str = ""
    """Its name where ``name`` says more."""
    index_dir: Path | None = None
    letter: str = ""
    """What tables call it."""
    generation: str = ""
    """``old`` or ``new``: what a migration left, instead of what is in use."""
    copy: Path | None = None
    """Folder of the copy that is asked in its place."""

    def opening(self, settings: Settings) -> Opening:
        """Find out what its engine needs."""
        if not self.root:
            return wiring.of_collection(self.collection or self.name, settings)
        return wiring.of_path(self.root, "auto", self.index_dir, settings)

    def open(self, settings: Settings) -> Engine:
        """Open its engine."""
        opening = self.opening(settings)
        if self.copy is not None:
            return Engine(moved(opening, self.copy))
        engine = Engine(opening)
        if not self.generation:
            return engine
        with move_of(engine, "") as move:
            return move.sides()[GENERATIONS.index(self.generation)]


@dataclass(frozen=True, slots=True)
class How:
    """How both are asked."""

    mode: str
    rerank: bool
    name: str
    """What the questions are called."""


def find(given: str, settings: Settings) -> Where:
    """Find what a word on the command line means: a collection, the folder of an index, or an indexed path.

    As for a migration, a collection comes first; a folder of the same name is ``./NAME``. ``@old`` and ``@new`` behind
    it name what a migration left of it.

    Raises:
        PathNotFoundError: there is nothing of that name.
    """
    plain, _, generation = given.rpartition("@")
    if generation in GENERATIONS and not expanded(given).exists():
        return replace(find(plain, settings), name=given, generation=generation, collection=plain)
    if is_collection(given, settings):
        return Where(given)
    path = expanded(given)
    if (path / fingerprint.FILE_NAME).is_file():
        record = fingerprint.read(path)
        return Where(given, record.root, index_dir=path.absolute())
    if given and path.exists():
        return Where(given, given)
    try:
        wiring.describe(given, settings)
    except ConfigurationError as error:
        raise PathNotFoundError(
            f"{given!r} is no indexed path, no folder of an index and no collection", error.remedy
        ) from error
    return Where(given)


def compare(old: Where, new: Where, asked: Sequence[Asked], how: How, settings: Settings) -> Comparison:
    """Ask both, one after the other; where questions hide lines, ask copies without these.

    Raises what searching raises.
    """
    hidden = hidden_lines(asked)
    dataset = golden.dataset(how.name, asked)
    with tempfile.TemporaryDirectory(prefix="coderank-compare-") as scratch:
        places = [replace(old, letter="A"), replace(new, letter="B")]
        for n, where in enumerate(places):
            here = isinstance(where.opening(settings).home.keeper, InFolder)
            if hidden or (where.generation and here):
                opening, copy = where.opening(settings), Path(scratch) / where.letter
                kept = kept_generation(opening, where.generation) if where.generation else None
                masked_copy(opening, hidden, copy, kept)
                places[n] = replace(where, copy=copy)
        return Comparison(*(apart(answered, where, dataset, how, settings) for where in places))


def drawn(where: Where, wanted: int, settings: Settings) -> list[Asked]:
    """Draw questions from what an index and the history of its tree say.

    Raises:
        DatasetError: there is nothing to draw from.
    """
    opening = where.opening(settings)
    generation = opening.generation
    with closing(generation):
        generation.totals()  # refuses one that is not there or has lost points
        chunks = list(generation.store.chunks_of(list(generation.paths())).values())
    asked = draw(sorted(chunks, key=lambda chunk: (chunk.path, chunk.start_line)), _commits(opening), wanted)
    if not asked:
        raise DatasetError(
            f"{where.name} has no doc strings, headings or commits to draw questions from", "Write some: --queries FILE"
        )
    return asked


def _commits(opening: Opening) -> list[tuple[str, list[str]]]:
    """Read the history of a tree, or of each source of a collection, with paths as in the index."""
    tree = opening.home.tree
    places = tree.places() if isinstance(tree, GatheredTree) else [("", opening.home.root)]
    return [
        (subject, [prefix + path for path in paths])
        for prefix, place in places
        if place.is_dir()
        for subject, paths in history(place)
    ]


def answered(where: Where, dataset: Dataset, how: How, settings: Settings) -> Side:
    """Open an index and ask it everything; runs in a process of its own. Raises what searching raises."""
    opening = where.opening(settings)
    with where.open(settings) as engine:
        status = engine.status()
        _warm_up(engine, dataset, how)

        def search(query: str, limit: int, *, rerank: bool) -> SearchResult:
            return engine.search(query, limit=limit, mode=how.mode, rerank=rerank)

        found = side(search, dataset, _described(where, status, dataset, how), rerank=how.rerank)
    # What a server's points take is on its own disk.
    disk = status.bytes_on_disk if isinstance(opening.home.keeper, InFolder) else None
    return replace(found, cost=Cost(found.cost.spent_ms, disk, machine.peak_mib()), place=where.name)


def _warm_up(engine: Engine, dataset: Dataset, how: How) -> None:
    """Load the model and the index: the first question is not to pay for what all need."""
    engine.search(dataset.questions[0].text, mode=how.mode, rerank=how.rerank)


def _described(where: Where, status: Status, dataset: Dataset, how: How) -> Run:
    behind = f"{status.changed_since:,} files changed since it was indexed" if status.changed_since else ""
    bare = f"{1 - status.dense_coverage:.0%} of the chunks have no vector" if status.dense_coverage < 1 else ""
    return Run(
        name=where.letter or where.name,
        dataset=dataset.name,
        digest=dataset.digest,
        model=status.model,
        mode=how.mode,
        rerank=how.rerank,
        version=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine.sentence(),
        files=status.files,
        chunks=status.chunks,
        notes=tuple(filter(None, (behind, bare))),
        stages={},
        answers=(),
    )
