"""Order chunks by how soon their vectors are likely to be asked for. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOURCE, ASIDE, VENDORED = range(3)
"""Ranks of a file: the code itself, its tests, documents and examples, and code of others."""

_VENDORED_FOLDERS = frozenset(
    {"vendor", "vendored", "_vendor", "third_party", "third-party", "thirdparty", "external", "deps", "node_modules"}
)
_ASIDE_FOLDERS = frozenset(
    {"test", "tests", "testing", "spec", "specs", "__tests__", "e2e", "fixtures", "testdata", "doc", "docs"}
    | {"examples", "example", "samples", "bench", "benches", "benchmarks", ".github", "changelog", "locales", "i18n"}
)
_ASIDE_SUFFIXES = frozenset({".md", ".mdx", ".rst", ".txt", ".adoc", ".json", ".yaml", ".yml", ".toml", ".xml", ".csv"})
_TEST_MARKS = ("test_", "_test.", ".test.", ".spec.", "_spec.", "conftest.")


def rank_of(path: str) -> int:
    """Return the rank of a file by its POSIX path."""
    *folders, name = path.lower().split("/")
    if not _VENDORED_FOLDERS.isdisjoint(folders):
        return VENDORED
    if not _ASIDE_FOLDERS.isdisjoint(folders) or PurePosixPath(name).suffix in _ASIDE_SUFFIXES:
        return ASIDE
    return ASIDE if name.startswith(_TEST_MARKS[0]) or any(mark in name for mark in _TEST_MARKS[1:]) else SOURCE


def order(pending: Iterable[tuple[str, str]], *, first: Sequence[str], modified: Mapping[str, int]) -> list[str]:
    """Return the ids of (id, path) pairs in a total order.

    The ids in ``first`` lead, in the order given; then source before the rest, recently modified files (``modified``
    is by path, any unit, 0 where absent) before older ones, then path and id.
    """
    pending = list(pending)
    place = {id_: position for position, id_ in reversed(list(enumerate(first)))}
    of_file = {path: (rank_of(path), -modified.get(path, 0), path) for _, path in pending}
    return [id_ for id_, _ in sorted(pending, key=lambda p: (place.get(p[0], len(place)), of_file[p[1]], p[0]))]
