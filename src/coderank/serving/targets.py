"""What a server may search: the folders it was started for, and the configured collections. Nothing else, ever."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.corpus.roots import distinct, here, resolved
from coderank.engine import Engine
from coderank.errors import PathNotFoundError, UsageError
from coderank.indexing.location import existing
from coderank.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coderank.collections.config import Collection
    from coderank.settings import Settings

FOLDER = "folder"
COLLECTION = "collection"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to search."""

    name: str
    """What a client calls it."""
    kind: str
    """FOLDER or COLLECTION."""
    open: Callable[[], Engine]
    """Opens its engine, which does no work yet."""
    places: tuple[str, ...] = ()
    """Where its files come from."""
    label: str = ""
    """What the paths of its hits begin with, as it was named on the command line."""

    def names(self, path: str) -> int:
        """Tell how far a path of a client is one below here, as a hit names it: characters of that beginning, or 0."""
        plain = _plain(path)
        begins = (_begin(place) for place in (self.label, *self.places) if place)
        return max((len(begin) for begin in begins if _is_below(begin, plain)), default=0)


class UnknownCollectionError(UsageError):
    """No folder and no collection of that name is served."""


def folders(
    paths: Sequence[str], settings: Settings, taken: Mapping[str, Target] | None = None, *, force: bool = False
) -> dict[str, Target]:
    """Describe folders, each once, under the name of the folder; names that are ``taken`` get a number.

    Raises PathNotFoundError: no such folder; or, without ``force``, a home folder or the top of a disk.
    """
    found: dict[str, Target] = {}
    for path in distinct(paths):
        root = _root(path, force=force)
        name = _free_name(root.name or "root", {**found, **(taken or {})})
        found[name] = Target(name, FOLDER, _folder_opener(path, settings), (str(root),), _label(path, root))
    return found


def _root(path: str, *, force: bool) -> Path:
    """Give the folder of an argument. Some clients start the server with one that the user has never seen."""
    if "${" in path and not Path(path).exists():
        raise PathNotFoundError(
            f"The client that started the server left {path!r} as it is",
            "Open a folder in it, or name the one to serve in its entry: coderank serve PATH",
        )
    root = existing(Path(path).expanduser())
    if is_everything(root) and not force:
        raise PathNotFoundError(
            f"{root} is no project but all that a user or a machine has",
            "Name the folder to serve: coderank serve PATH; or mean it: --force",
        )
    return root


def collections(settings: Settings, only: Sequence[str] | None = None) -> dict[str, Target]:
    """Describe the collections of the user's file, or ``only`` some; none where there is no such file.

    Raises:
        ConfigurationError: the file cannot be used.
        UnknownCollectionError: it has none of a name.
    """
    file = settings.collections_place()
    if only is not None and not only:
        return {}
    if settings.collections_file is None and not file.exists() and not only:
        return {}
    from coderank.collections.config import load  # noqa: PLC0415 - most servers have folders alone

    described = load(file)
    for name in only or ():
        if name not in described:
            raise UnknownCollectionError(f"{file} describes no collection {name!r}", _hint(name, list(described)))
    return {
        name: Target(name, COLLECTION, _collection_opener(name, settings), _places(found))
        for name, found in described.items()
        if only is None or name in only
    }


def is_everything(folder: Path) -> bool:
    """Whether a folder is a home folder or the top of a disk."""
    return folder == Path(folder.anchor) or folder == resolved("~")


def here_if_a_project() -> str:
    """Name the current folder. Raises PathNotFoundError for a home folder and for the top of a disk.

    A program may start the server wherever it stands itself, and nobody wants everything he has to be indexed for that.
    """
    folder = here()
    if is_everything(folder):
        raise PathNotFoundError(
            f"The server was started in {folder}, which is no project", "Name the folder to serve: coderank serve PATH"
        )
    return "."


def _places(collection: Collection) -> tuple[str, ...]:
    stored = (f"{collection.store.url or 'Qdrant'}/{collection.store.collection}",) if collection.store else ()
    return tuple(source.place for source in collection.sources) or stored


def chosen(name: str, targets: Mapping[str, Target]) -> Target:
    """Give the target of a name. Raises UnknownCollectionError, which lists those there are."""
    if name in targets:
        return targets[name]
    raise UnknownCollectionError(f"No collection {name!r} is served here", _hint(name, list(targets)))


def _hint(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Choose from: {', '.join(known)}"


def inside_of(label: str, root: str, path: str) -> str:
    """Spell a path of a client relative to the root it is in: named as a hit is, absolute, or relative already.

    Only the text is looked at. What leads out of the root names no file of its index.
    """
    plain = _plain(path)
    for start in (label, root):
        begin = _begin(start)
        if begin != "./" and plain.startswith(begin):
            return plain.removeprefix(begin)
    return plain


def glob_inside(label: str, root: str, glob: str) -> str:
    """Spell a glob of a client relative to the root, as `inside_of` does a path: what it is of is at no other depth."""
    sign = "!" if glob.startswith("!") else ""
    plain = glob.removeprefix(sign)
    for start in (label, root, "."):
        begin = _begin(start)
        if f"{plain}/".startswith(begin):
            return f"{sign}/{plain[len(begin) :] or '**'}"
    return glob


def _plain(path: str) -> str:
    return posixpath.normpath(path.replace("\\", "/") if "/" not in path else path)


def _is_below(begin: str, plain: str) -> bool:
    return not plain.startswith(("/", "../")) if begin == "./" else plain.startswith(begin)


def _begin(place: str) -> str:
    return posixpath.normpath(place).rstrip("/") + "/"


def _label(path: str, root: Path) -> str:
    given = expanded(path)
    return str(given if root.is_dir() else given.parent)


def _folder_opener(path: str, settings: Settings) -> Callable[[], Engine]:
    return lambda: Engine.open(path, settings=settings)


def _collection_opener(name: str, settings: Settings) -> Callable[[], Engine]:
    return lambda: Engine.open_collection(name, settings=settings)


def _free_name(name: str, taken: Mapping[str, Target]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
