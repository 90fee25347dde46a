"""Which tree a path belongs to, and what the user calls it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.errors import PathNotFoundError, UsageError
from coderank.settings import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PLACE = re.compile(r"(?P<file>.+):(?P<line>\d{1,9})(?:-\d{1,9})?", re.DOTALL)
"""Greedy, so that the colon of a Windows drive belongs to the file; takes the ``path:start-end`` of a hit as well."""


def parse_place(text: str) -> tuple[Path, int]:
    """Split ``FILE:LINE`` or ``FILE:START-END`` into the file and its (first) line.

    Raises UsageError if there is no line number, PathNotFoundError if there is no such file.
    """
    name, line = split_place(text)
    file = expanded(name)
    if not is_file(file):
        raise PathNotFoundError(f"No such file: {name!r}", "Give a file, a colon and a line number")
    return file, line


def split_place(text: str) -> tuple[str, int]:
    """Split ``FILE:LINE`` or ``FILE:START-END``, whether there is such a file or not.

    Raises UsageError if there is no line number.
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not FILE:LINE", "Name a line, as in `coderank related src/app.py:42`")
    return match["file"], int(match["line"])


def resolved(path: str) -> Path:
    """Where a path leads, whether something is there or not: two names of one place give the same."""
    given = expanded(path)
    return Path(os.path.realpath(given if given.is_absolute() else here() / given))


def distinct(paths: Sequence[str]) -> tuple[str, ...]:
    """Keep the first name of every place, in order. Raises PathNotFoundError for an empty name."""
    if not all(paths):
        raise PathNotFoundError("The path is empty", "Give a file or folder, or leave it out for the current folder")
    first: dict[Path, str] = {}
    for path in paths:
        first.setdefault(resolved(path), path)
    return tuple(first.values())


def is_file(path: Path) -> bool:
    """Tell whether a path is a file; one that may not be looked at is none, and whoever opens it says why."""
    try:
        return path.is_file()
    except OSError:
        return False


def indexed_root(file: Path, is_indexed: Callable[[Path], bool]) -> Path | None:
    """The nearest folder above a file that has an index."""
    return next((folder for folder in file.resolve().parents if is_indexed(folder)), None)


def root_of(file: Path, is_indexed: Callable[[Path], bool]) -> Path:
    """The tree a file belongs to: the nearest indexed folder above it, else its repository, else its folder."""
    folders = file.resolve().parents
    repository = next((folder for folder in folders if (folder / ".git").exists()), folders[0])
    return indexed_root(file, is_indexed) or repository


def here() -> Path:
    """The folder the user stands in. Raises PathNotFoundError if that was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise PathNotFoundError("The current folder was deleted", "Change to one that exists") from error


def exact_glob(path: str) -> str:
    """A glob, as in a .gitignore, that matches this path below the root and no other."""
    return "/" + re.sub(r"([\\*?\[\]]| (?=\Z))", r"\\\1", path)


def label_of(root: Path, here: Path) -> str:
    """What to call an absolute root, seen from ``here``: relative where that is shorter to read and can be opened."""
    if root.is_relative_to(here):
        return root.relative_to(here).as_posix()
    if here.is_relative_to(root):
        return "/".join([".."] * len(here.relative_to(root).parts))
    return str(root)
