"""Order chunks by how soon their vectors are likely to be asked for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.languages import detect
from coderank.corpus.roles import is_aside, is_test, is_vendored
from coderank.corpus.syntax_rules import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOURCE, ASIDE, VENDORED = range(3)
"""Ranks of a file: the code itself, its tests, documents and examples, and code of others."""


def rank_of(path: str) -> int:
    """Return the rank of a file by its POSIX path."""
    if is_vendored(path):
        return VENDORED
    return ASIDE if is_test(path) or is_aside(path) or detect(path).kind is not Kind.CODE else SOURCE


def order(pending: Iterable[tuple[str, str]], *, first: Sequence[str], modified: Mapping[str, int]) -> list[str]:
    """Return the ids of (id, path) pairs in a total order.

    The ids in ``first`` lead, in the order given; then source before the rest, recently modified files (``modified``
    is by path, any unit, 0 where absent) before older ones, then path and id.
    """
    pending = list(pending)
    place = {id_: position for position, id_ in reversed(list(enumerate(first)))}
    of_file = {path: (rank_of(path), -modified.get(path, 0), path) for _, path in pending}
    return [id_ for id_, _ in sorted(pending, key=lambda p: (place.get(p[0], len(place)), of_file[p[1]], p[0]))]
