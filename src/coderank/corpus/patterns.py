"""The pattern language of ignore files. Pure.

A rule is matched against one entry at a time, never against what lies below it: ignored folders are not entered, so the
question only ever arises for entries whose folders are all kept. That is also how git decides.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_STARS = 3
"""Stars in one path segment. A regular expression tries every split between them (on a 255-byte name three cost 0.03 s,
four 1.5 s), so a hostile ignore file could hang the walk; real patterns have one or two. Patterns with more match
nothing."""

_WILDCARD = re.compile(r"[*?\[\\]")
_STAR_RUN = re.compile(r"\*{2,}")
_UNESCAPED_SPACES = re.compile(r"(?<!\\) +$")
_NO_MATCH = -1


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of an ignore file. ``order`` is its place in the file: the last match decides."""

    order: int
    text: str
    ignores: bool
    folders_only: bool
    on_path: bool
    """Matched against the path relative to the ignore file; otherwise against the bare name."""


@dataclass(frozen=True, slots=True)
class _Glob:
    order: int
    regex: re.Pattern[str]
    any_depth: bool

    def matches(self, subject: str) -> bool:
        found = self.regex.match(subject)
        return found is not None and (self.any_depth or found.end() == len(subject))


@dataclass(frozen=True, slots=True)
class _Table:
    """Rules sorted by how they can be looked up: nearly all are plain names or endings, which need no matching."""

    names: dict[str, int]
    paths: dict[str, int]
    endings: tuple[str, ...]
    ending_orders: tuple[tuple[str, int], ...]
    name_globs: tuple[_Glob, ...]
    path_globs: tuple[_Glob, ...]

    def last_match(self, name: str, path: str, strip: int) -> int:
        best = self.names.get(name, _NO_MATCH)
        if name.endswith(self.endings):
            best = max(best, *(order for ending, order in self.ending_orders if name.endswith(ending)))
        best = _last_glob(self.name_globs, name, best)
        if self.paths or self.path_globs:
            relative = path[strip:]
            best = max(best, self.paths.get(relative, _NO_MATCH))
            best = _last_glob(self.path_globs, relative, best)
        return best


class RuleSet:
    """The rules of one ignore file, relative to the folder that holds it."""

    __slots__ = ("_files", "_folders", "_ignores")

    def __init__(self, lines: Iterable[str]) -> None:
        rules = [rule for order, line in enumerate(lines) if (rule := _parse(order, line)) is not None]
        self._ignores = {rule.order: rule.ignores for rule in rules}
        globs = {rule.order: glob for rule in rules if (glob := _compile(rule)) is not None}
        self._folders = _table(rules, globs)
        self._files = _table([rule for rule in rules if not rule.folders_only], globs)

    def __bool__(self) -> bool:
        return bool(self._ignores)

    def file(self, name: str, path: str, strip: int = 0) -> bool | None:
        """Decide on a file: True ignores it, False keeps it, None says nothing.

        ``path[strip:]`` is its path relative to the folder of the ignore file, ``name`` its last part.
        """
        return self._ignores.get(self._files.last_match(name, path, strip))

    def folder(self, name: str, path: str, strip: int = 0) -> bool | None:
        """Decide on a folder, as ``file`` does on a file."""
        return self._ignores.get(self._folders.last_match(name, path, strip))


def _parse(order: int, line: str) -> _Rule | None:
    text = _UNESCAPED_SPACES.sub("", line.removesuffix("\r"))
    if text.startswith("#"):
        return None
    ignores = not text.startswith("!")
    text = text if ignores else text[1:]
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    if "/" in text.removeprefix("**/"):
        text, on_path = text.removeprefix("/"), True
    else:
        text, on_path = text.removeprefix("**/"), False
    segments = text.split("/")
    text = "/".join(segment if segment == "**" and on_path else _STAR_RUN.sub("*", segment) for segment in segments)
    if not text or any(segment.count("*") > MAX_STARS for segment in segments if segment != "**"):
        return None
    return _Rule(order, text, ignores, folders_only, on_path)


def _ending(rule: _Rule) -> str | None:
    """Return X for the rule ``*X`` when X has no wildcard."""
    plain = rule.text.startswith("*") and not rule.on_path and not _WILDCARD.search(rule.text, 1)
    return rule.text[1:] if plain else None


def _compile(rule: _Rule) -> _Glob | None:
    """Compile a rule that has wildcards. A malformed one matches nothing, as in git."""
    if not _WILDCARD.search(rule.text) or _ending(rule) is not None:
        return None
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - 20 ms that most folders need not pay

    try:
        with warnings.catch_warnings():
            # A character class such as [[a] is fine for git, and Python warns that its meaning may change one day.
            warnings.simplefilter("ignore", FutureWarning)
            (pattern,) = GitIgnoreSpec.from_lines(["/" + rule.text]).patterns
    except (ValueError, re.error):
        return None
    if pattern.regex is None:
        return None
    return _Glob(rule.order, pattern.regex, any_depth=rule.text == "**" or rule.text.endswith("/**"))


def _table(rules: Sequence[_Rule], globs: dict[int, _Glob]) -> _Table:
    plain = [rule for rule in rules if not _WILDCARD.search(rule.text)]
    endings = [(ending, rule.order) for rule in rules if (ending := _ending(rule)) is not None]
    last_first = [(rule, globs[rule.order]) for rule in reversed(rules) if rule.order in globs]
    return _Table(
        names={rule.text: rule.order for rule in plain if not rule.on_path},
        paths={rule.text: rule.order for rule in plain if rule.on_path},
        endings=tuple(ending for ending, _ in endings),
        ending_orders=tuple(endings),
        name_globs=tuple(glob for rule, glob in last_first if not rule.on_path),
        path_globs=tuple(glob for rule, glob in last_first if rule.on_path),
    )


def _last_glob(globs: tuple[_Glob, ...], subject: str, best: int) -> int:
    for glob in globs:
        if glob.order <= best:
            break
        if glob.matches(subject):
            return glob.order
    return best
