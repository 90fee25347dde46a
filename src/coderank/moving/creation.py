"""Makes an index, or a collection on a server, from a file of points, where there was nothing before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from coderank import wiring
from coderank.errors import IndexBusyError
from coderank.indexing.claim import fingerprint_of
from coderank.indexing.generation import Generation
from coderank.indexing.loaded import load, write
from coderank.indexing.location import recorded
from coderank.indexing.lock import held
from coderank.indexing.succession import remove_folder
from coderank.loading.choice import embedder
from coderank.loading.servers import connect, own_store, what_is_there
from coderank.migration.contract import Moving, Step
from coderank.moving.move import check_file, kind_of
from coderank.store import fingerprint
from coderank.store.pin import Physical, read_pin, write_pin
from coderank.store.raw import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coderank.collections.config import Collection
    from coderank.engine import Engine
    from coderank.migration.contract import Listener
    from coderank.migration.parquet import Reader
    from coderank.models.catalogue import Model
    from coderank.store.raw import RawPoint
    from coderank.types import Vector

    Pages = Iterator[list[tuple[RawPoint, Vector | None]]]

FIRST = "generation-1"
"""The points grow in a folder that nobody looks into, and are named as the last step: a kill leaves no half index."""


def is_missing(engine: Engine) -> bool:
    """Tell whether there is neither an index nor a collection on a server under an engine's name."""
    described = _described(engine)
    if described is not None and described.is_adopted:
        return what_is_there(described, engine.home.settings) is None
    return recorded(engine.home.folder) is None


def create(engine: Engine, file: Path, collection: str, model: str, on_progress: Listener | None = None) -> int:
    """Write the points of a file, in the place of nothing, and return how many.

    Raises:
        UsageError: the file has no vectors of the model, no points of the collection, or points that are no chunks.
        IndexCorruptError: the file is damaged.
        IndexBusyError: another process is at it.
    """
    from coderank.migration.parquet import Reader  # noqa: PLC0415 - pyarrow: for files only

    chosen = embedder(model, engine.home.settings)
    with closing(Reader(file)) as reader:
        count = check_file(reader, file, kind_of(chosen), collection)
        pages = _told(reader, collection, count, on_progress)
        engine.home.folder.mkdir(parents=True, exist_ok=True)
        with held(engine.home.folder / "migrate.lock", 0.0) as mine:
            if not mine:
                raise IndexBusyError(f"Another process is loading {engine.label}", "Wait for it to end")
            described = _described(engine)
            if described is not None and described.is_adopted:
                return _on_server(described, engine, chosen, pages)
            return _indexed(described, engine, chosen, pages)


def _indexed(described: Collection | None, engine: Engine, model: Model, pages: Pages) -> int:
    home = engine.home
    aside = home.folder / FIRST
    place = "" if described is None or described.store is None else _place(described, engine, model)
    with closing(Generation(replace(home, folder=aside), model)) as generation:
        count = load(generation, pages)
    fingerprint.write(home.folder, fingerprint_of(model), home.root, FIRST)
    if described is not None and place:
        _name(described, engine, place)
    return count


def _on_server(described: Collection, engine: Engine, model: Model, pages: Pages) -> int:
    place = _place(described, engine, model)
    store = own_store(described, engine.home.settings, model.dimension, fingerprint_of(model), Physical(place))
    with closing(store):
        store.erase()  # what an interrupted run has left
        count = sum(map(len, write(store, pages)))
    _name(described, engine, place)
    remove_folder(engine.home.folder / FIRST)
    return count


def _place(described: Collection, engine: Engine, model: Model) -> str:
    """Name the new collection, and note that: the one that an interrupted run has begun, else one that is free."""
    from coderank.store.server_names import free_name  # noqa: PLC0415 - the client takes 0.5 s to import

    aside, name = engine.home.folder / FIRST, described.store.collection if described.store else ""
    if begun := read_pin(aside, name):
        return begun
    with closing(connect(described, engine.home.settings)) as connection:
        place = free_name(connection, name, model.name)
    write_pin(aside, name, place)
    return place


def _name(described: Collection, engine: Engine, place: str) -> None:
    from coderank.store.server_names import point_alias  # noqa: PLC0415 - as above

    with closing(connect(described, engine.home.settings)) as connection:
        point_alias(connection, described.store.collection if described.store else "", place)


def _described(engine: Engine) -> Collection | None:
    return wiring.describe(engine.collection, engine.home.settings) if engine.collection else None


def _told(reader: Reader, collection: str, total: int, on_progress: Listener | None) -> Pages:
    done = 0
    for name, page in reader.pages():
        if name != collection:
            continue
        yield [(point, cast("Vector | None", point.vectors.get(UNNAMED))) for point in page]
        done += len(page)
        if on_progress:
            on_progress(Moving(Step.LOAD, done, total))
