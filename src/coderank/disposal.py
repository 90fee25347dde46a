"""Deletes what is indexed of a collection: first it is told what would be lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.collections.config import load
from coderank.errors import ConfigurationError, IndexUnusableError, UsageError
from coderank.indexing.location import collection_folder, recorded
from coderank.indexing.removal import remove
from coderank.migration.journal import FILE_NAME, Journal
from coderank.wiring import of_collection

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.collections.config import Collection
    from coderank.settings import Settings


@dataclass(frozen=True, slots=True)
class Loss:
    """What a deletion would take away."""

    chunks: int | None
    """None where that cannot be told."""
    places: tuple[str, ...]
    """Where it is kept."""
    can_be_built: bool
    """Whether there are sources to build it again from."""


def loss(name: str, settings: Settings, *, foreign: bool = False) -> Loss:
    """Say what deleting the index of a collection would take away. Reads only.

    Raises:
        ConfigurationError: nothing is described or indexed under that name.
        UsageError: a move has left points beside it; or another program wrote it, and ``foreign`` does not say that it
            may go.
        CoderankError: the server cannot be asked.
    """
    folder, described = _found(name, settings)
    places = [str(folder)] if folder.exists() else []
    chunks: int | None = 0
    if described is not None and described.store is not None:
        from coderank.loading.servers import what_is_there  # noqa: PLC0415 - the client takes 0.5 s to import

        if Journal(folder / FILE_NAME).read() is not None:
            raise UsageError(
                f"A move of {name} has left points of before or after it on the server",
                f"Delete these first: coderank migrate {name} --drop-old",
            )
        there = what_is_there(described, settings)
        if there is not None and not there.is_own and not foreign:
            raise UsageError(
                f"{there.name} at {there.url} was written by another program",
                "Add --foreign to delete it all the same",
            )
        if there is not None and there.before:
            raise UsageError(
                f"A move of {name}, made on another machine, has left the points of before it: {there.url} has "
                f"{there.before} beside {there.name}, and would be searched there",
                f"Run there: coderank migrate {name} --drop-old (or, without it, delete {there.before} on the server)",
            )
        if there is not None:
            places.append(f"{there.url} ({there.name}{f', indexed on {there.host}' if there.host else ''})")
        chunks = there.points if there else 0
    else:
        chunks = _chunks(name, settings) if described else None
    if not places:
        raise ConfigurationError(
            f"Nothing is indexed of the collection {name}", "`coderank collections list` shows all"
        )
    return Loss(chunks, tuple(places), bool(described and described.sources))


def delete(name: str, settings: Settings, *, foreign: bool = False) -> int:
    """Delete the index of a collection, and return the bytes that this gave back on this machine.

    Raises what `loss` raises, and:
        IndexBusyError: another process is at work in it.
        IndexNotWritableError: it cannot be deleted.
    """
    loss(name, settings, foreign=foreign)
    folder, described = _found(name, settings)
    if described is not None and described.store is not None:
        from coderank.loading.servers import delete_there  # noqa: PLC0415 - the client takes 0.5 s to import

        delete_there(described, settings)
    return remove(folder) if folder.exists() else 0


def _found(name: str, settings: Settings) -> tuple[Path, Collection | None]:
    """Find the folder of a collection, and its description, if it is still described."""
    file = settings.collections_place()
    folder = collection_folder(settings.data_dir, file / name)
    known = load(file)
    if name not in known and not folder.exists():
        raise ConfigurationError(f"{file} has no collection {name!r}", f"There are: {', '.join(known) or 'none'}")
    return folder, known.get(name)


def _chunks(name: str, settings: Settings) -> int | None:
    """Count what is indexed; an index that cannot be opened can be deleted all the same."""
    try:
        generation = of_collection(name, settings).generation
        if recorded(generation.home.folder) is None:
            return 0
        totals = generation.known()
        generation.close()
    except (IndexUnusableError, ConfigurationError):
        return None
    return totals.chunks
