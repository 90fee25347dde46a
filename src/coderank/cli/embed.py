"""``coderank embed``."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderank.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.migration.elsewhere import Input
    from coderank.models.catalogue import Model
    from coderank.settings import Settings
    from coderank.store.raw import RawPoint

    Pages = Callable[[], Iterator[Sequence[RawPoint]]]


@click.command(short_help="Embed collections into a file, for another machine.")
@click.argument(
    "exports", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="[EXPORT]..."
)
@click.option("--collections", default="", metavar="A,B", help="Read the sources of these collections.")
@click.option("--model", required=True, metavar="M", help="The model to embed with.")
@click.option(
    "--out", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="A .parquet."
)
@click.option("--text", default="", metavar="FIELD", help="Where payloads of other programs keep the text.")
@click.option("-v", "--verbose", is_flag=True, help="Name every point without a vector.")
def embed(exports: tuple[Path, ...], *, collections: str, model: str, file: Path, text: str, verbose: bool) -> None:
    """Embed the points of each EXPORT, a file of `coderank collections export`, or the sources of collections.

    No index and no Qdrant is needed, and every GPU is used. Interrupted, it goes on when the command is run again. Take
    the file to where the collection is, and run `coderank load`. An EXPORT is of the collection that it is named after:
    `docs.v2.jsonl.gz` is of `docs.v2`.
    """
    names = [name for name in collections.split(",") if name]
    if not exports and not names:
        raise UsageError(
            "There is nothing to embed", "Give a file of `coderank collections export`, or --collections A"
        )
    from coderank.cli.progress import told  # noqa: PLC0415 - not needed to print help
    from coderank.loading.choice import embedder  # noqa: PLC0415
    from coderank.migration.elsewhere import embed as embedded  # noqa: PLC0415
    from coderank.migration.parquet import Header  # noqa: PLC0415
    from coderank.moving.move import kind_of  # noqa: PLC0415
    from coderank.settings import Settings  # noqa: PLC0415
    from coderank.store.raw import UNNAMED  # noqa: PLC0415

    settings = Settings.from_environment()
    chosen = embedder(model, settings)
    _check_apart([*((_name_of(export), str(export)) for export in exports), *((name, name) for name in names)])
    wanted = [(_name_of(export), _pages_of(export)) for export in exports]
    wanted += [(name, _sources_of(name, settings)) for name in names]
    inputs = [_input(name, pages, chosen, settings, text) for name, pages in wanted]
    header = Header(kind_of(chosen), {UNNAMED: chosen.dimension}, chosen.query_prefix)
    with told(str(file)) as listener:
        report = embedded(inputs, file, header, listener)
    click.echo(f"{file}: {report.points:,} points, {report.embedded:,} embedded now with {chosen.name}")
    if report.without:
        click.echo(f"  {len(report.without):,} points have no vector" + ("" if verbose else " (--verbose names them)"))
    for reason in report.without if verbose else ():
        click.echo(f"  {reason}")


def _name_of(export: Path) -> str:
    """``docs.v2.jsonl.gz`` is of the collection ``docs.v2``."""
    from coderank.store.export import SUFFIXES  # noqa: PLC0415 - numpy: not needed to print help

    suffix = max((suffix for suffix in SUFFIXES if export.name.endswith(suffix)), key=len, default="")
    return export.name.removesuffix(suffix)


def _check_apart(given: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError for two inputs of one collection: points with the same id would take each other's place."""
    seen: dict[str, str] = {}
    for name, whence in given:
        if name in seen:
            raise UsageError(
                f"{seen[name]} and {whence} are both of the collection {name!r}",
                "Rename one, and say so when it is loaded: coderank load FILE --collection NAME --from ITS_NAME",
            )
        seen[name] = whence


def _pages_of(export: Path) -> Pages:
    if export.suffix == ".parquet":
        return partial(_parquet_pages, export)
    from coderank.migration.exports import read_lines  # noqa: PLC0415

    return partial(read_lines, export)


def _parquet_pages(export: Path) -> Iterator[Sequence[RawPoint]]:
    from coderank.migration.parquet import Reader  # noqa: PLC0415

    with closing(Reader(export)) as reader:
        yield from (page for _, page in reader.pages())


def _sources_of(name: str, settings: Settings) -> Pages:
    from coderank import wiring  # noqa: PLC0415
    from coderank.indexing.unstored import points_of  # noqa: PLC0415

    tree = wiring.of_collection(name, settings).home.tree
    tree.refresh()
    return partial(points_of, tree)


def _input(name: str, pages: Pages, model: Model, settings: Settings, field: str) -> Input:
    from coderank.loading.opened import opened_embedder  # noqa: PLC0415
    from coderank.migration.elsewhere import Input  # noqa: PLC0415
    from coderank.migration.text import texts_of  # noqa: PLC0415
    from coderank.migration.vectors import Embedding  # noqa: PLC0415
    from coderank.store.adopt import Fields  # noqa: PLC0415

    sample = [point.payload for point in next(pages(), [])]
    texts = texts_of(sample, Fields((field,)) if field else None, name)
    opened = partial(opened_embedder, model, settings, download=True)
    return Input(name, pages, Embedding(texts, opened, model.dimension))
