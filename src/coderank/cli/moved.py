"""What a name on the command line of a migration means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.engine import Engine
from coderank.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def opened(name: str, model: str, index_dir: Path | None) -> Engine:
    """Open the engine of a collection or, if there is none of that name, of an indexed path."""
    settings = Settings.from_environment()
    if index_dir is None and _is_collection(name, settings):
        return Engine.open_collection(name, settings=settings)
    # A model that is named stands in for the old one, which need not be usable any more.
    return Engine.open(name, model=model or "auto", index_dir=index_dir, settings=settings)


def _is_collection(name: str, settings: Settings) -> bool:
    """Tell whether the user's file describes a collection of this name; a folder of that name is ``./NAME``."""
    file = settings.collections_place()
    if not file.is_file():
        return False
    from coderank.collections.config import load  # noqa: PLC0415 - only where there are collections

    return name in load(file)
