"""Asks the points of before a migration and those of after it the same questions, before it cuts over."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from coderank import wiring
from coderank.cli.masking import hidden_lines, kept_generation, masked_copy, moved
from coderank.engine import Engine
from coderank.errors import DatasetError
from coderank.evaluation import golden
from coderank.evaluation.gate import gate
from coderank.evaluation.sides import judgeable
from coderank.indexing.keeping import InFolder
from coderank.migration.contract import Gate, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coderank.evaluation.asking import Search
    from coderank.evaluation.golden import Place
    from coderank.moving.index import IndexMove
    from coderank.moving.server import ServerMove
    from coderank.types import SearchResult

    Hidden = Mapping[str, Sequence[Place]]

SIDES = ("old", "new")


def gate_of(engine: Engine, move: IndexMove | ServerMove, queries: Path, max_loss: float) -> Gate:
    """Give what asks both sides the questions of a file; where these hide lines, copies without them are asked.

    Raises:
        DatasetError: no answer is known to be right, or lines are to be hidden of points on a server.
    """
    asked = golden.questions(queries)
    dataset = golden.dataset(queries.name, asked)
    judgeable(dataset)  # before anything happens
    move.askable()
    hidden = hidden_lines(asked)
    if hidden and not isinstance(engine.home.keeper, InFolder):
        raise DatasetError(
            f"Questions of {queries} hide lines, and {engine.label} is on a server, where it cannot be copied without",
            "Give questions that hide nothing: --queries FILE",
        )

    def judge() -> Verdict:
        with ExitStack() as opened:
            sides = _masked(engine, hidden, opened) if hidden else move.sides()
            old, new = (_search(opened.enter_context(side)) for side in sides)
            found, _ = gate(old, new, dataset, max_loss)
        return Verdict(found.passed, found.text)

    return judge


def _masked(engine: Engine, hidden: Hidden, opened: ExitStack) -> list[Engine]:
    """Copy both sides, hide the lines in the copies, and open these."""
    home = engine.home
    scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="coderank-gate-")))
    opening = (
        wiring.of_collection(engine.collection, home.settings)
        if engine.collection
        else wiring.of_path(home.root, "auto", home.folder, home.settings)
    )
    for which in SIDES:
        masked_copy(opening, hidden, scratch / which, kept_generation(opening, which))
    return [Engine(moved(opening, scratch / which)) for which in SIDES]


def _search(engine: Engine) -> Search:
    def search(query: str, limit: int, *, rerank: bool) -> SearchResult:
        return engine.search(query, limit=limit, rerank=rerank)

    return search
