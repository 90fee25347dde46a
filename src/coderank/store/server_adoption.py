"""Looks at a collection that another program made, and says how its points are read and asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from coderank.errors import IndexIncompatibleError, StoreError
from coderank.store import made_with
from coderank.store.adopt import Fields, chunk_of, fields_for, plain
from coderank.store.layout import Layout
from coderank.store.server_collection import dense_vectors
from coderank.store.server_names import metadata, resolve
from coderank.store.server_requests import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from qdrant_client import models

    from coderank.store.made_with import MadeWith
    from coderank.store.server_connection import Connection

SAMPLE = 64
"""Points that are looked at: the first ones, of which a few may be notes of the program to itself."""
_UNLIKE = frozenset({"Euclid", "Manhattan"})


def adopted(
    connection: Connection,
    collection: str,
    dimension: int,
    *,
    language_of: Callable[[str], str],
    vector: str | None = None,
    fields: Fields | str | None = None,
) -> Layout:
    """Find out how to search a foreign collection with vectors of a dimension: by its dense vectors alone.

    ``vector`` names the dense vector and ``fields`` the payload's fields or a preset, where they are not to be found
    out. Sparse vectors of others are made with other vocabularies, and are left alone.

    Raises:
        StoreError: there is no such collection, or no text in its payload.
        IndexIncompatibleError: no dense vector, or several, have that dimension.
    """
    target = resolve(connection, collection)
    if target is None:
        raise StoreError(f"There is no collection {collection} at {connection.url}", "Correct store.collection")
    info = connection.call(lambda client: client.get_collection(target))
    chosen = _vector(dense_vectors(info), vector, dimension, target, made_with.told(info.config.metadata, vector))
    records, _ = connection.call(lambda client: client.scroll(target, limit=SAMPLE, with_payload=True))
    found = fields_for([record.payload or {} for record in records], fields, target)
    return Layout(
        dense=chosen,
        lexical=None,
        chunk=partial(chunk_of, fields=found, language_of=language_of),
        path=plain(found.path[0]) if len(found.path) == 1 else "",
        language=plain(found.language[0]) if len(found.language) == 1 else "",
        defines="",
        ascending=dense_vectors(info)[chosen].distance.value in _UNLIKE,
    )


def is_own(connection: Connection, collection: str) -> bool:
    """Tell whether coderank made a collection; also False of one that is not there."""
    target = resolve(connection, collection)
    return target is not None and METADATA in metadata(connection, target)


def _vector(
    found: dict[str, models.VectorParams], wanted: str | None, dimension: int, name: str, made: MadeWith | None
) -> str:
    if wanted is not None and wanted in found:
        return wanted
    fitting = [each for each, params in found.items() if params.size == dimension and wanted is None]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{each or '(unnamed)'} of {params.size}" for each, params in sorted(found.items())) or "none"
    looked = f"no vector {wanted!r}" if wanted is not None else f"{len(fitting) or 'no'} vectors of {dimension} numbers"
    raise IndexIncompatibleError(
        f"The collection {name} has {looked}. It has: {listed}",
        made.remedy if made else "Name the vector as store.vector, and the model that made it as embedding_model",
    )
