"""What a name on the command line of a migration means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coderank import wiring
from coderank.collections.change import change, toml_text
from coderank.engine import Engine
from coderank.errors import ConfigurationError
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
    if index_dir is None and is_collection(name, settings):
        return Engine.open_collection(name, settings=settings)
    # A model that is named stands in for the old one, which need not be usable any more.
    return Engine.open(name, model=model or "auto", index_dir=index_dir, settings=settings)


def bare(name: str, model: str, index_dir: Path | None) -> Engine:
    """Open the engine of a collection or path of which there may be nothing yet, to load vectors of a model."""
    settings = Settings.from_environment()
    if index_dir is None and is_collection(name, settings):
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


def reconfiguring(engine: Engine, move: IndexMove | ServerMove) -> Callable[..., None]:
    """Give what names the model in use in the configuration, however often it is called, and says so once.

    What has to be done by hand is said now, before anything begins. While a move runs (``during``), a file that cannot
    be written is no reason to leave it half done: the error is raised at the call after it.
    """
    said: list[str] = []
    if by_hand := _by_hand(engine, move.record.new, "As soon as the new points are in use"):
        click.echo(by_hand, err=True)

    def tell(*, during: bool = False) -> None:
        try:
            done = reconfigure(engine, move.record.in_use)
        except ConfigurationError:
            if not during:
                raise
            return
        if done and done not in said:
            said.append(done)
            click.echo(done, err=True)

    return tell


def reconfigure(engine: Engine, used: Kind, *, told: bool = True) -> str:
    """Name the model in use now in the configuration of a collection on a server, where it says another.

    Without ``told`` also where it says ``auto``: the points themselves do not tell, as those of coderank do.
    Returns what was done or is to be done by hand, empty for nothing. Raises ConfigurationError where it cannot be
    written.
    """
    if not _names_another(engine, used, told=told):
        return ""
    settings = engine.home.settings
    file = settings.collections_place()
    described = wiring.describe(engine.collection, settings)
    if described.store is None:  # its index says itself which model made it
        return f"{file} still names {described.embedding_model}: an index that is built anew would go back to that"
    if by_hand := _by_hand(engine, used, "Now", told=told):
        return by_hand
    kept = change(file, engine.collection, _said(used))
    return (
        f"{file} names {used.model} now; what it was is kept as {kept}. "
        "Other copies of that file have to name it, too: with the old model they are refused"
    )


def _by_hand(engine: Engine, used: Kind, when: str, *, told: bool = True) -> str:
    """Say what to write into a file of collections in TOML, which is not rewritten; empty where there is nothing."""
    if not _names_another(engine, used, told=told):
        return ""
    settings = engine.home.settings
    file = settings.collections_place()
    if file.suffix.lower() != ".toml" or wiring.describe(engine.collection, settings).store is None:
        return ""
    return (
        f"{file} is TOML, which is not rewritten: its comments would be lost. {when}, put this there, in the place of "
        f"what it has of these keys; until then searches are refused:\n{toml_text(engine.collection, _said(used))}"
    )


def _names_another(engine: Engine, used: Kind, *, told: bool) -> bool:
    if not engine.collection:
        return False
    settings = engine.home.settings
    named = wiring.describe(engine.collection, settings).embedding_model
    return not told if named == "auto" else embedder(named, settings).name != used.model


def _said(used: Kind) -> dict[str, str | int]:
    return {"embedding_model": used.model, "embedding_dimension": used.dimension}


def is_collection(name: str, settings: Settings) -> bool:
    """Tell whether the user's file describes a collection of this name; a folder of that name is ``./NAME``."""
    file = settings.collections_place()
    if not file.is_file():
        return False
    from coderank.collections.config import load  # noqa: PLC0415 - only where there are collections

    return name in load(file)
