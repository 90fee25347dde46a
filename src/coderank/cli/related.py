"""``coderank related``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(short_help="Find code like the code at a line.")
@click.argument("place", metavar="FILE:LINE")
@options.limit
@options.wait
@options.sync
@options.model
@options.index_dir
@options.collection
@options.output_format
def related(
    place: str,
    *,
    limit: int | None,
    wait: bool,
    sync: bool,
    model: str | None,
    index_dir: Path | None,
    collection: str | None,
    output_format: str,
) -> None:
    """Find code like the code at FILE:LINE, in the same tree.

    The tree is the nearest indexed folder above FILE, else its git repository, else its folder; or the collection, in
    which FILE is named as its hits are.
    """
    if collection is not None:
        options.refuse_beside_collection({"--index-dir": index_dir})
    from coderank.cli import answer  # noqa: PLC0415 - the engine is not needed to print help
    from coderank.cli.freshness import Freshness  # noqa: PLC0415
    from coderank.cli.output import write_result  # noqa: PLC0415
    from coderank.corpus.roots import parse_place, split_place  # noqa: PLC0415
    from coderank.indexing.location import arguments  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415

    where = answer.Place(Settings.from_environment(), model, index_dir, one_shot=options.one_shot())
    if collection is not None:
        at = split_place(place)
        result, outlook = answer.related_in_collection(at, limit, collection, Freshness(sync, wait), where)
        named = shlex.join(["--collection", collection])
    else:
        file, line = parse_place(place)
        result, outlook = answer.related(file, line, limit, Freshness(sync, wait), where)
        named = arguments(file.parent, index_dir)
    write_result(result, output_format, outlook=outlook, named=named, with_root=True)
