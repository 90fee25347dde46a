"""From what a user restricts a search by to filters the store knows. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from coderank.corpus.language_table import LANGUAGES, TEXT
from coderank.corpus.languages import by_name, detect
from coderank.errors import InvalidQueryError
from coderank.types import Filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def filters(languages: Sequence[str], globs: Sequence[str], indexed: Iterable[str]) -> Filters | None:
    """Resolve language names (or file extensions) and path globs (as in a .gitignore) against the indexed paths.

    None: the globs match no indexed file, so there is nothing to search.

    Raises:
        InvalidQueryError: there is no such language, or a glob is none.
    """
    known = checked_languages(languages)
    if not globs:
        return Filters(languages=known)
    wanted = _spec(globs)
    named = {glob.removeprefix("/") for glob in globs}  # `app/[id]/page.tsx` is the name of a file, and no glob for it
    paths = tuple(path for path in indexed if wanted.match_file(path) or path in named)
    return Filters(languages=known, paths=paths) if paths else None


def _spec(globs: Sequence[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(globs)
    except ValueError as error:
        raise InvalidQueryError(f"A glob cannot be read: {error}", "Write it as in a .gitignore: 'src/**'") from error


def checked_languages(names: Sequence[str]) -> tuple[str, ...]:
    """Resolve language names or file extensions, each once, or raise InvalidQueryError."""
    return tuple(dict.fromkeys(map(_language, names)))


def _language(given: str) -> str:
    name = given.strip().lower().removeprefix(".")
    found = by_name(name) or detect(f"file.{name}")
    if found is TEXT and name not in {TEXT.name, *(extension.lstrip(".") for extension in TEXT.extensions)}:
        near = get_close_matches(name, [language.name for language in LANGUAGES])
        hint = f"Did you mean {near[0]}?" if near else "`coderank status` lists those of the index"
        raise InvalidQueryError(f"There is no language {given!r}", hint)
    return found.name
