"""``coderank search``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from coderank.cli import options
from coderank.corpus.roots import distinct


@click.command(short_help="Find code that answers a question.")
@click.argument("query")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@options.limit
@click.option("--lang", "languages", multiple=True, metavar="L", help="Only this language; may be repeated.")
@click.option("--path", "globs", multiple=True, metavar="GLOB", help="Only paths that match; may be repeated.")
@click.option(
    "--mode", type=click.Choice(["hybrid", "dense", "lexical"]), default="hybrid", show_default=True, help="Which legs."
)
@options.wait
@options.sync
@options.model
@options.index_dir
@options.rerank
@options.collection
@options.output_format
def search(  # noqa: PLR0913 - one parameter per option
    query: str,
    paths: tuple[str, ...],
    *,
    limit: int | None,
    languages: tuple[str, ...],
    globs: tuple[str, ...],
    mode: str,
    wait: bool,
    sync: bool,
    model: str | None,
    index_dir: Path | None,
    collection: str | None,
    rerank: bool | None,
    output_format: str,
) -> None:
    """Find code that answers QUERY in each PATH (a folder or a file; default: this folder) or in a collection.

    New and changed files are taken in first. Vectors that take longer than a moment fill in behind, and the answer
    says how much they cover.
    """
    if collection is not None:
        options.refuse_beside_collection({"PATH": paths, "--index-dir": index_dir})
    roots = distinct(paths) or (".",)
    options.refuse_shared_index_dir(index_dir, roots)
    from coderank.cli import answer  # noqa: PLC0415 - the engine is not needed to print help
    from coderank.cli.freshness import Freshness  # noqa: PLC0415
    from coderank.cli.output import write_result  # noqa: PLC0415
    from coderank.indexing.location import arguments  # noqa: PLC0415
    from coderank.settings import Settings, expanded  # noqa: PLC0415

    question = answer.Question(query, limit, languages, globs, mode, rerank)
    place = answer.Place(Settings.from_environment(), model, index_dir, one_shot=options.one_shot())
    if collection is not None:
        result, outlook = answer.search_collection(question, collection, Freshness(sync, wait, mode), place)
        named = shlex.join(["--collection", collection])
        write_result(result, output_format, outlook=outlook, named=named, mode=mode, with_root=True)
        return
    result, outlook = answer.search(question, roots, Freshness(sync, wait, mode), place)
    one_folder = len(roots) == 1 and expanded(roots[0]).is_dir()
    named = arguments(Path(roots[0]), index_dir)
    write_result(result, output_format, outlook=outlook, named=named, mode=mode, with_root=not one_folder)
