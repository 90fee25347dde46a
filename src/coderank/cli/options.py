"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.errors import UsageError
from coderank.retrieval.limits import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Program:
    """Marks, as click's object, a command that runs as the program of a process."""


limit = click.option(
    "-k", "--limit", type=click.IntRange(1, MAX_LIMIT), default=None, help="How many hits.  [default: 10]"
)
output_format = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output."
)
model = click.option("--model", default=None, metavar="M", help="Embedding model of a new index.")
index_dir = click.option(
    "--index-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help="Keep the index here instead of in the user's data folder.",
)
wait = click.option(
    "--wait/--no-wait", default=False, help="Wait until every chunk has its vector.  [default: no-wait]"
)
sync = click.option("--sync/--no-sync", default=True, help="Take in changed files first.  [default: sync]")
rerank = click.option(
    "--rerank/--no-rerank", default=None, help="Reorder the hits with a larger model.  [default: no-rerank]"
)
collection = click.option("--collection", metavar="NAME", help="A configured collection instead of PATH.")


def one_shot() -> bool:
    """Whether the process ends with the command that runs; not so where another program calls it."""
    return click.get_current_context().find_object(Program) is not None


def refuse_beside_collection(given: Mapping[str, object]) -> None:
    """Refuse what is said of a folder where a collection is named, which says it itself. Raises UsageError."""
    for name, value in given.items():
        if value:
            raise UsageError(f"--collection does not go with {name}", "Leave out one of them")


def refuse_shared_index_dir(index_dir: Path | None, paths: Sequence[str]) -> None:
    """Refuse one --index-dir for several paths: it holds the index of one. Raises UsageError."""
    if index_dir is not None and len(paths) > 1:
        raise UsageError("--index-dir holds the index of one PATH", "Name one PATH at a time, or leave --index-dir out")
