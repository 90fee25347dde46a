"""Which language a file is in, decided from its name and, failing that, from its ``#!`` line."""

from __future__ import annotations

import posixpath
from functools import cache
from typing import TYPE_CHECKING

from coderank.corpus.language_table import LANGUAGES, TEXT

if TYPE_CHECKING:
    from coderank.corpus.syntax_rules import Language

# Kernels read no more of the line.
_LONGEST_SHEBANG = 256


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
    """Read ``#!/usr/bin/env -S python3.12 -u`` as python: version, flags and settings do not change the language."""
    if not first_line.startswith("#!"):
        return None
    words = [word for word in first_line[2:_LONGEST_SHEBANG].split() if word[0] != "-" and "=" not in word]
    programs = [posixpath.basename(word).rstrip("0123456789.") for word in words[:2]]
    if programs[:1] == ["env"]:
        del programs[0]
    return _by_interpreter().get(programs[0]) if programs else None
