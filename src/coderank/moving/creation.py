"""Makes an index, or a collection on a server, from a file of points, where there was nothing before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from coderank import wiring
from coderank.errors import IndexBusyError, StoreError, UsageError
from coderank.indexing.claim import fingerprint_of
from coderank.indexing.generation import Generation
from coderank.indexing.loaded import load, write
from coderank.indexing.location import recorded
from coderank.indexing.lock import held
from coderank.indexing.removal import remove_folder
from coderank.loading.choice import embedder
from coderank.loading.servers import check_owner, connect, fields_of, foreign_points, own_store, what_is_there
from coderank.migration.contract import Moving, Step
from coderank.migration.text import are_ours
from coderank.moving.move import check_file, kind_of
from coderank.store import fingerprint
from coderank.store.adopt import fields_for
from coderank.store.pin import Physical, read_pin, write_pin
from coderank.store.raw import UNNAMED, RawPoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coderank.collections.config import Collection
    from coderank.engine import Engine
    from coderank.migration.contract import Listener
    from coderank.migration.parquet import Reader
    from coderank.models.catalogue import Model
    from coderank.store.server_points import ServerPoints
    from coderank.types import Vector

    Pages = Iterator[list[tuple[RawPoint, Vector | None]]]

FIRST = "generation-1"
"""The points grow in a folder that nobody looks into, and are named as the last step: a kill leaves no half index."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made."""

    points: int
    without: int
    """Points of them that have no vector."""
    ours: bool = True
    """Whether they are chunks of coderank."""


def is_missing(engine: Engine) -> bool:
    """Tell whether there is neither an index nor a collection on a server under an engine's name."""
    described = _described(engine)
    if described is not None and described.is_adopted:
        return what_is_there(described, engine.home.settings) is None
    return recorded(engine.home.folder) is None


def create(
    engine: Engine,
    file: Path,
    collection: str,
    model: str,
    on_progress: Listener | None = None,
    *,
    allow_missing: bool = False,
) -> Made:
    """Write the points of a file, in the place of nothing.

    Points of another program keep ids and payloads, in a collection on a server that is only searched from then on.
    Those that have no vector cannot be found there, and need ``allow_missing``.

    Raises:
        UsageError: the file has no vectors of the model, no points of the collection, points without a vector, or such
            as are no chunks for an index here.
        StoreError: where other programs' points have their text is not known, or the server has a collection of that
            name already, of which there is no index here.
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
                return _on_server(described, engine, chosen, pages, allow_missing=allow_missing)
            if described is not None and described.store is not None:
                _check_free(described, engine)
            return _indexed(described, engine, chosen, pages)


def _check_free(described: Collection, engine: Engine) -> None:
    """Raise StoreError where the server has the collection already: another machine searches and writes it."""
    there = what_is_there(described, engine.home.settings)
    if there is None:
        return
    check_owner(described, engine.home.settings, engine.home.folder)
    raise StoreError(
        f"{there.url} has a collection {there.name} already, of which there is no index here",
        f"To index it from here, then load again: coderank index --collection {described.name} --take-over"
        if there.is_own
        else "Configure another name as store.collection",
    )


def _indexed(described: Collection | None, engine: Engine, model: Model, pages: Pages) -> Made:
    home = engine.home
    aside = home.folder / FIRST
    place = "" if described is None or described.store is None else _place(described, engine, model)
    with closing(Generation(replace(home, folder=aside), model)) as generation:
        count = load(generation, pages)
        dense = generation.counts().dense
    if described is not None and place:
        _check_free(described, engine)  # once more: the points took their time
    fingerprint.write(home.folder, fingerprint_of(model), home.root, FIRST)
    if described is not None and place:
        _name(described, engine, place)
    return Made(count, count - dense)


def _on_server(described: Collection, engine: Engine, model: Model, pages: Pages, *, allow_missing: bool) -> Made:
    first = next(pages, [])
    payloads, pages = [point.payload for point, _ in first], chain([first], pages)
    wanted = described.store.payload if described.store else None
    if wanted is None and are_ours(payloads):
        place = _place(described, engine, model)
        made = _chunks(described, engine, model, pages, place)
    else:
        fields = fields_for(payloads, fields_of(wanted), described.name)  # which refuses what could not be searched
        place = _place(described, engine, model)
        with closing(foreign_points(described, engine.home.settings, model.dimension, fields, place)) as there:
            made = _as_they_are(described, there, pages)
    if made.without and not (made.ours or allow_missing):
        raise UsageError(
            f"{made.without:,} of {made.points:,} points have no vector, and could not be found",
            "Run it again with --allow-missing to load them all the same, or embed them anew: coderank embed --verbose",
        )
    _name(described, engine, place)
    remove_folder(engine.home.folder / FIRST)
    return made


def _chunks(described: Collection, engine: Engine, model: Model, pages: Pages, place: str) -> Made:
    store = own_store(described, engine.home.settings, model.dimension, fingerprint_of(model), Physical(place))
    with closing(store):
        store.erase()  # what an interrupted run has left
        count = sum(map(len, write(store, pages)))
        return Made(count, count - store.counts().dense)


def _as_they_are(described: Collection, there: ServerPoints, pages: Pages) -> Made:
    """Write points with their own ids and payloads, and nothing of coderank's beside them."""
    name = (described.store.vector if described.store else "") or UNNAMED
    count = without = 0
    for page in pages:
        there.write([RawPoint(raw.id, raw.payload, {} if made is None else {name: made}) for raw, made in page])
        count += len(page)
        without += sum(made is None for _, made in page)
    if there.count() != count:
        raise StoreError(f"Of {count:,} points, {there.collection} has {there.count():,}: ids are there twice")
    return Made(count, without, ours=False)


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
