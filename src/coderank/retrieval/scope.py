"""From what a user restricts a search by to filters the store knows. Pure."""

from __future__ import annotations

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
        InvalidQueryError: there is no such language.
    """
    known = []
    for language in languages:
        name = language.strip().lower()
        found = by_name(name) or detect(f"file.{name}")
        if found is TEXT:
            raise InvalidQueryError(f"There is no language {language!r}", f"Known are {', '.join(_names())}")
        known.append(found.name)
    if not globs:
        return Filters(languages=tuple(known))
    wanted = GitIgnoreSpec.from_lines(globs)
    paths = tuple(path for path in indexed if wanted.match_file(path))
    return Filters(languages=tuple(known), paths=paths) if paths else None


def _names() -> list[str]:
    return sorted(language.name for language in LANGUAGES)
