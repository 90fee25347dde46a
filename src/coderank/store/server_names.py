"""Names of collections on a server: which one a name stands for now, and how it comes to stand for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qdrant_client import models

from coderank.errors import StoreError
from coderank.store.pin import Physical
from coderank.store.server_failures import CLIENT_ERRORS, meaning, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coderank.store.server_connection import Connection

LIVE = ".live"
"""Ends the alias that stands for a collection whose own name a physical collection has."""
_FORBIDDEN = frozenset({401, 403})


def aliases(connection: Connection) -> dict[str, str]:
    """Every alias of the server, and the collection it stands for; empty where the key may not list them."""
    try:
        listed = connection.once(lambda client: client.get_aliases()).aliases
    except CLIENT_ERRORS as error:
        if status_of(error) in _FORBIDDEN:  # a key for one collection: its name is all that can be known
            return {}
        raise meaning(error, connection.url) from error
    return {each.alias_name: each.collection_name for each in listed}


def collections(connection: Connection) -> tuple[str, ...]:
    """Names of the physical collections, sorted."""
    listed = connection.call(lambda client: client.get_collections()).collections
    return tuple(sorted(each.name for each in listed))


def resolve(connection: Connection, name: str) -> str | None:
    """Return the physical collection that coderank means by a name; None where there is none.

    The alias ``NAME.live`` comes first: it is set where a move to another model left the old collection its name.
    """
    known = {} if isinstance(name, Physical) else aliases(connection)
    for alias in (f"{name}{LIVE}", name):
        if alias in known:
            return known[alias]
    return name if connection.call(lambda client: client.collection_exists(name)) else None


def free_name(connection: Connection, name: str, model: str) -> str:
    """Name a collection beside the one that ``name`` stands for, for vectors of a model."""
    taken = set(collections(connection))
    return next(free for number in range(1, 1000) if (free := f"{name}--{model}-{number}") not in taken)


def aliases_of(connection: Connection, collection: str) -> list[str]:
    """Every alias that stands for a collection."""
    return [alias for alias, target in aliases(connection).items() if target == collection]


def point_alias(connection: Connection, alias: str, collection: str) -> None:
    """Make an alias stand for a collection from now on, whatever it stood for; atomic for every reader."""
    if alias in collections(connection):
        raise StoreError(
            f"{alias!r} is the name of a collection at {connection.url}, so it cannot be an alias",
            f"Use the alias {alias}{LIVE}, or delete that collection first",
        )
    _change(connection, *_removal(aliases(connection), alias), _creation(alias, collection))


def drop_alias(connection: Connection, alias: str) -> None:
    """Remove an alias; the collection stays. One that is not there is no error."""
    removal = _removal(aliases(connection), alias)
    if removal:
        _change(connection, *removal)


def delete_collection(connection: Connection, name: str) -> None:
    """Delete a physical collection with its points and aliases; one that is not there is no error."""
    connection.call(lambda client: client.delete_collection(name), writes=True)


def metadata(connection: Connection, collection: str) -> dict[str, Any]:
    """Return what a collection says about itself."""
    return connection.call(lambda client: client.get_collection(collection)).config.metadata or {}


def _removal(known: Mapping[str, str], alias: str) -> list[models.AliasOperations]:
    if alias not in known:
        return []
    return [models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))]


def _creation(alias: str, collection: str) -> models.AliasOperations:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(alias_name=alias, collection_name=collection))


def _change(connection: Connection, *operations: models.AliasOperations) -> None:
    connection.call(lambda client: client.update_collection_aliases(list(operations)), writes=True)
