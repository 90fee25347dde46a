"""Which entries of a folder the user's ignore files, git's and the built-in list leave out.

Strongest first: every ``.coderankignore`` (deeper before shallower), the built-in list, every ``.gitignore`` (deeper
before shallower, up to the top of the git checkout), ``.git/info/exclude``. Git's personal excludes are not read: what
is searchable should not depend on whose machine it is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coderank.corpus.patterns import RuleSet
from coderank.corpus.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

IGNORE_FILE = ".coderankignore"
GIT_IGNORE_FILE = ".gitignore"
GIT_ENTRY = ".git"
RULE_ENTRIES = frozenset({IGNORE_FILE, GIT_IGNORE_FILE, GIT_ENTRY})

MAX_IGNORE_BYTES = 1 << 20
"""Longer ignore files are cut: the longest in real repositories have a few kilobytes."""

BUILT_IN = RuleSet(
    [
        # Version control: history, not source.
        *(".git", ".hg/", ".svn/", ".bzr/", ".jj/", ".sl/", ".pijul/", "_darcs/", "CVS/"),
        # Dependencies that a package manager downloaded.
        *("node_modules/", "bower_components/", "jspm_packages/", ".yarn/", ".pnpm-store/", ".bundle/", ".terraform/"),
        *("site-packages/", "*.dist-info/", "*.egg-info/", ".eggs/", "__pypackages__/"),
        # Caches and build state under names that mean nothing else.
        *("__pycache__/", ".tox/", ".nox/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".hypothesis/"),
        *(".ipynb_checkpoints/", ".gradle/", ".next/", ".nuxt/", ".svelte-kit/", ".turbo/", ".parcel-cache/"),
        *(".cache/", ".nyc_output/", ".dart_tool/", ".stack-work/", ".zig-cache/", "zig-cache/", "dist-newstyle/"),
        # Editors and the desktop.
        *(".idea/", ".vs/", ".DS_Store", "Thumbs.db", "*.swp"),
    ]
)
"""Left out even where git keeps it; ``!name/`` in a ``.coderankignore`` brings it back. Names that are also ordinary
source folders (build, dist, target, vendor, env) are left to the ignore files and to CACHE_MARKERS."""

CACHE_MARKERS = frozenset({"pyvenv.cfg", "conda-meta", "CACHEDIR.TAG"})
"""A folder with such an entry is a virtual environment, a conda environment, or says itself that it is a cache (the
Cache Directory Tagging convention: Cargo's target folder and many others), whatever its name."""

_GITDIR = re.compile(r"gitdir: *(.+?)\s*", re.DOTALL)
_WORKTREE = re.compile(r"(?:^|/)\.git/(?:modules/.+/)?worktrees/[^/]+/?$")
_MAX_GIT_FILE_BYTES = 8192  # two paths of the longest length most systems allow


@dataclass(frozen=True, slots=True)
class _Source:
    """The rules of one ignore file. ``strip`` cuts a path down to what follows the file's folder."""

    rules: RuleSet
    strip: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules in force inside one folder. Paths are POSIX, relative to the root of the walk."""

    own: tuple[_Source, ...] = ()
    """From ``.coderankignore`` files, strongest first."""
    git: tuple[_Source, ...] = ()
    """From git's ignore files, strongest first."""
    above: str = ""
    """What leads from the top of the git checkout down to the root, with a slash at the end; empty if they are one."""

    def ignores_file(self, name: str, path: str) -> bool:
        """Tell whether a file (or link) of this folder is left out; ``name`` is the last part of ``path``."""
        path = self.above + path
        verdict = _on_file(self.own, name, path)
        if verdict is None:
            verdict = BUILT_IN.file(name, path)
        if verdict is None:
            verdict = _on_file(self.git, name, path)
        return bool(verdict)

    def ignores_folder(self, name: str, path: str) -> bool:
        """Tell whether a folder of this folder is left out, with all below it."""
        path = self.above + path
        verdict = _on_folder(self.own, name, path)
        if verdict is None:
            verdict = BUILT_IN.folder(name, path)
        if verdict is None:
            verdict = _on_folder(self.git, name, path)
        return bool(verdict)

    def reclaims(self, name: str, path: str) -> bool:
        """Tell whether a ``.coderankignore`` explicitly keeps this folder, which outweighs CACHE_MARKERS."""
        return _on_folder(self.own, name, self.above + path) is False

    def enter(self, folder: Path, path: str, names: Collection[str]) -> Scope:
        """Return the rules inside a folder, read from those of RULE_ENTRIES that are among ``names``, its entries.

        ``folder`` says where it is on disk, ``path`` where below the root ("" is the root itself).
        """
        strip = len(self.above + path) + 1 if path else len(self.above)
        own, git = self.own, self.git
        if GIT_ENTRY in names:
            # A repository of its own: what the outer one ignores says nothing about its files.
            git = _source(_exclude_file(folder), strip)
        if GIT_IGNORE_FILE in names:
            git = _source(folder / GIT_IGNORE_FILE, strip) + git
        if IGNORE_FILE in names:
            own = _source(folder / IGNORE_FILE, strip) + own
        return replace(self, own=own, git=git)


def scope_above(root: Path) -> Scope:
    """Return the rules that the folders above ``root`` (absolute, without links) set, up to the top of its checkout.

    There are none outside a git checkout, at its top, or where the checkout ignores the root itself: whoever searches
    an ignored folder wants to see what is in it.
    """
    top = next((folder for folder in (root, *root.parents) if os.path.lexists(folder / GIT_ENTRY)), root)
    scope, folder, path = Scope(), top, ""
    for name in root.relative_to(top).parts:
        scope = scope.enter(folder, path, [entry for entry in RULE_ENTRIES if os.path.lexists(folder / entry)])
        folder /= name
        path = f"{path}/{name}" if path else name
        if _on_folder(scope.git, name, path):
            return Scope()
    return replace(scope, above=path + "/") if path else scope


def is_worktree(folder: Path) -> bool:
    """Tell whether a folder with a ``.git`` file is an additional working tree of a repository that has a main one.

    Its files are another state of the same files. Working trees of a bare repository have no main one and do not count.
    """
    gitdir = _gitdir(folder)
    return gitdir is not None and _WORKTREE.search(gitdir.as_posix()) is not None


def _on_file(sources: tuple[_Source, ...], name: str, path: str) -> bool | None:
    for source in sources:
        verdict = source.rules.file(name, path, source.strip)
        if verdict is not None:
            return verdict
    return None


def _on_folder(sources: tuple[_Source, ...], name: str, path: str) -> bool | None:
    for source in sources:
        verdict = source.rules.folder(name, path, source.strip)
        if verdict is not None:
            return verdict
    return None


def _source(file: Path, strip: int) -> tuple[_Source, ...]:
    """Read one ignore file; one that is missing, a link, or unreadable sets no rules, as in git."""
    try:
        text = read_regular(file, MAX_IGNORE_BYTES).decode("utf-8-sig", "surrogateescape")
    except OSError:
        return ()
    rules = RuleSet(text.split("\n"))
    return (_Source(rules, strip),) if rules else ()


def _gitdir(folder: Path) -> Path | None:
    """Return where the ``.git`` file of a working tree or submodule points; None if there is none."""
    try:
        text = read_regular(folder / GIT_ENTRY, _MAX_GIT_FILE_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    found = _GITDIR.fullmatch(text)
    return folder / found[1] if found else None


def _exclude_file(folder: Path) -> Path:
    """Name the ``info/exclude`` of a checkout, which the working trees of a repository share."""
    gitdir = _gitdir(folder) or folder / GIT_ENTRY
    try:
        common = read_regular(gitdir / "commondir", _MAX_GIT_FILE_BYTES)
    except OSError:
        return gitdir / "info" / "exclude"
    return gitdir / os.fsdecode(common.strip()) / "info" / "exclude"
