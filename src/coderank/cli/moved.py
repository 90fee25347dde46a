"""What a name on the command line of a migration means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coderank import wiring
from coderank.collections.change import change
from coderank.engine import Engine
from coderank.loading.choice import embedder
from coderank.moving.index import IndexMove
from coderank.moving.server import ServerMove
from coderank.moving.sourced import SourcedMove
from coderank.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coderank.migration.journal import Kind


def opened(name: str, model: str, index_dir: Path | None) -> Engine:
    """Open the engine of a collection or, if there is none of that name, of an indexed path."""
    settings = Settings.from_environment()
    if index_dir is None and _is_collection(name, settings):
        return Engine.open_collection(name, settings=settings)
    # A model that is named stands in for the old one, which need not be usable any more.
    return Engine.open(name, model=model or "auto", index_dir=index_dir, settings=settings)


def bare(name: str, model: str, index_dir: Path | None) -> Engine:
    """Open the engine of a collection or path of which there may be nothing yet, to load vectors of a model."""
    settings = Settings.from_environment()
    if index_dir is None and _is_collection(name, settings):
        return Engine(wiring.of_collection(name, settings, model=model, bare=True))
    return Engine.open(name, model=model, index_dir=index_dir, settings=settings)


def move_of(engine: Engine, model: str, *, dimension: int = 0, force: bool = False) -> IndexMove | ServerMove:
    """Choose how the points of an engine are moved: where they are decides."""
    kind: type[IndexMove | ServerMove] = IndexMove
    if engine.collection:
        described = wiring.describe(engine.collection, engine.home.settings)
        if described.store is not None:
            kind = ServerMove if described.is_adopted else SourcedMove
    return kind(engine, model, dimension=dimension, force=force)


def reconfiguring(engine: Engine, move: IndexMove | ServerMove) -> Callable[[], None]:
    """Give what names the model in use in the configuration, however often it is called, and says so once."""
    said: list[str] = []

    def tell() -> None:
        done = reconfigure(engine, move.record.in_use)
        if done and done not in said:
            said.append(done)
            click.echo(done, err=True)

    return tell


def reconfigure(engine: Engine, used: Kind, *, told: bool = True) -> str:
    """Name the model in use now in the configuration of a collection on a server, where it says another.

    Without ``told`` also where it says ``auto``: the points themselves do not tell, as those of coderank do.
    Returns what was done or is to be known, empty for nothing. Raises ConfigurationError with what to put there, if it
    cannot be written.
    """
    if not engine.collection:
        return ""
    settings = engine.home.settings
    described = wiring.describe(engine.collection, settings)
    named = described.embedding_model
    if (told and named == "auto") or (named != "auto" and embedder(named, settings).name == used.model):
        return ""
    file = settings.collections_place()
    if described.store is None:  # its index says itself which model made it
        return f"{file} still names {described.embedding_model}: an index that is built anew would go back to that"
    kept = change(file, engine.collection, {"embedding_model": used.model, "embedding_dimension": used.dimension})
    return f"{file} names {used.model} now; what it was is kept as {kept}"


def _is_collection(name: str, settings: Settings) -> bool:
    """Tell whether the user's file describes a collection of this name; a folder of that name is ``./NAME``."""
    file = settings.collections_place()
    if not file.is_file():
        return False
    from coderank.collections.config import load  # noqa: PLC0415 - only where there are collections

    return name in load(file)
