"""Which language a file is in, decided from its name and, failing that, from its ``#!`` line."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from typing import TYPE_CHECKING

from coderank.corpus.language_table import LANGUAGES, TEXT

if TYPE_CHECKING:
    from coderank.corpus.syntax_rules import Language

# ``#!/usr/bin/env -S python3.12 -u`` -> python: the version and the flags do not change the language.
_SHEBANG = re.compile(r"^#!\s*\S*?([a-z]+)[\d.]*(?:\s+(?:-\S+\s+)*(\S*?/)?([a-z]+)[\d.]*)?", re.IGNORECASE)


def detect(path: str, first_line: str = "") -> Language:
    """Name the language of a file. Unknown names without a known ``#!`` line are plain text."""
    name = posixpath.basename(path)
    return _by_filename().get(name) or _by_suffix(name) or _by_shebang(first_line) or TEXT


def by_name(name: str) -> Language | None:
    """Return the language of that name (``c_sharp`` is ``csharp``), or None."""
    return next((language for language in LANGUAGES if language.name == name), None)


@cache
def _by_filename() -> dict[str, Language]:
    return {filename: language for language in LANGUAGES for filename in language.filenames}


@cache
def _by_extension() -> dict[str, Language]:
    return {extension: language for language in LANGUAGES for extension in language.extensions}


@cache
def _by_interpreter() -> dict[str, Language]:
    return {interpreter: language for language in LANGUAGES for interpreter in language.interpreters}


def _by_suffix(name: str) -> Language | None:
    """Match the longest known extension: ``.blade.php`` before ``.php``, ``Dockerfile.dev`` by its stem."""
    parts = name.lower().split(".")
    for start in range(1, len(parts)):
        if language := _by_extension().get("." + ".".join(parts[start:])):
            return language
    return _by_filename().get(name.split(".", 1)[0]) if len(parts) > 1 else None


def _by_shebang(first_line: str) -> Language | None:
    match = _SHEBANG.match(first_line)
    if match is None:
        return None
    program, _, argument = match.groups()
    interpreter = argument if program.lower() == "env" else program
    return _by_interpreter().get((interpreter or "").lower())
