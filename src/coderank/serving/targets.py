"""What a server may search: the folders it was started for, and the configured collections. Nothing else, ever."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.cli.roots import distinct, here, resolved
from coderank.engine import Engine
from coderank.errors import PathNotFoundError, UsageError
from coderank.indexing.location import existing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coderank.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to search."""

    name: str
    """What a client calls it."""
    kind: str
    """``folder`` or ``collection``."""
    open: Callable[[], Engine]
    """Opens its engine, which does no work yet."""
    places: tuple[str, ...] = ()
    """Where its files come from."""


class UnknownCollectionError(UsageError):
    """No folder and no collection of that name is served."""


def folders(paths: Sequence[str], settings: Settings) -> dict[str, Target]:
    """Describe folders, each once, under the name of the folder; of equal names all but the first get a number.

    Raises:
        PathNotFoundError: no such folder.
        UsageError: no path was given, and the current folder is a home folder or the whole disk.
    """
    if not paths:
        _refuse_too_much(here())
    found: dict[str, Target] = {}
    for path in distinct(paths) or (".",):
        root = existing(Path(path).expanduser())
        name = _free_name(root.name or "root", found)
        found[name] = Target(name, "folder", _opener(path, settings), (str(root),))
    return found


def chosen(name: str, targets: Mapping[str, Target]) -> Target:
    """Give the target of a name. Raises UnknownCollectionError, which lists those there are."""
    if name in targets:
        return targets[name]
    near = get_close_matches(name, list(targets), n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose from: {', '.join(targets)}"
    raise UnknownCollectionError(f"No collection {name!r} is served here", hint)


def inside_of(label: str, root: str, path: str) -> str:
    """Spell a path of a client relative to the root it is in: named as a hit is, absolute, or relative already.

    Only the text is looked at. What leads out of the root names no file of its index.
    """
    plain = posixpath.normpath(path.replace("\\", "/") if "/" not in path else path)
    for start in (label, root):
        begin = posixpath.normpath(start) + "/"
        if begin != "./" and plain.startswith(begin):
            return plain.removeprefix(begin)
    return plain


def _opener(path: str, settings: Settings) -> Callable[[], Engine]:
    return lambda: Engine.open(path, settings=settings)


def _free_name(name: str, taken: Mapping[str, Target]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _refuse_too_much(folder: Path) -> None:
    """Refuse to index everything a person has because a program started the server wherever it stood itself."""
    if folder == Path(folder.anchor) or folder == resolved("~"):
        raise PathNotFoundError(
            f"The server was started in {folder}, which is no project", "Name the folder to serve: coderank serve PATH"
        )
