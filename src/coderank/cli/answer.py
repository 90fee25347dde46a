"""Asks one question of every root: bring its index up to date, search, join the answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coderank.cli.freshness import Freshness, bring_up_to_date
from coderank.cli.merge import merged
from coderank.cli.roots import exact_glob, indexed_root, is_file, label_of, root_of
from coderank.engine import Engine
from coderank.errors import IndexNotFoundError, UsageError
from coderank.retrieval.limits import checked_limit, checked_query
from coderank.store import fingerprint
from coderank.types import SearchMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.settings import Settings
    from coderank.types import SearchResult


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of every root alike."""

    query: str
    limit: int
    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    mode: str = SearchMode.HYBRID


@dataclass(frozen=True, slots=True)
class Place:
    """How engines are opened."""

    settings: Settings
    model: str | None = None
    index_dir: Path | None = None

    def open(self, root: str) -> Engine:
        """Open the engine of one root, to be closed by the caller."""
        return Engine.open(root, model=self.model or "auto", index_dir=self.index_dir, settings=self.settings)

    def is_indexed(self, folder: Path) -> bool:
        """Tell whether a folder has an index of its own where this place keeps them."""
        if self.index_dir is None:
            return Engine.is_indexed(folder, settings=self.settings)
        try:
            return fingerprint.read(self.index_dir).root == str(folder)
        except IndexNotFoundError:
            return False


def search(question: Question, paths: Sequence[str], wanted: Freshness, place: Place) -> tuple[SearchResult, str]:
    """Answer from all paths together, and say what becomes of missing vectors.

    Raises UsageError and its kin for a bad question, IndexUnusableError and its kin for a bad index.
    """
    checked_query(question.query)
    checked_limit(question.limit)
    answers = [_ask(question, root, files, wanted, place) for root, files in _by_root(paths, question, place).items()]
    outlooks = dict.fromkeys(outlook for _, outlook in answers if outlook)
    return merged([result for result, _ in answers], question.limit), "; ".join(outlooks)


def related(file: Path, line: int, limit: int, wanted: Freshness, place: Place) -> tuple[SearchResult, str]:
    """Find code like the code at a line, in the tree of the file."""
    root = root_of(file, place.is_indexed)
    with place.open(label_of(root, Path.cwd())) as engine:
        outlook = bring_up_to_date(engine, wanted, place.settings)
        return engine.related(_inside(root, file), line, limit=limit), outlook


def _ask(
    question: Question, root: str, files: tuple[str, ...], wanted: Freshness, place: Place
) -> tuple[SearchResult, str]:
    with place.open(root) as engine:
        outlook = bring_up_to_date(engine, wanted, place.settings)
        result = engine.search(
            question.query,
            limit=question.limit,
            languages=question.languages,
            paths=files or question.globs,
            mode=question.mode,
        )
        return result, outlook


def _by_root(paths: Sequence[str], question: Question, place: Place) -> dict[str, tuple[str, ...]]:
    """Roots as the user calls them, each with globs for the files the search is restricted to; none: the whole root.

    A file below an indexed folder is searched there; any other is a root of its own.
    """
    roots: dict[str, tuple[str, ...]] = {}
    for path in paths:
        file = Path(path).expanduser()
        root = indexed_root(file, place.is_indexed) if is_file(file) else None
        if root is None:
            roots[path] = ()
            continue
        if question.globs:
            raise UsageError(f"--path restricts a folder, and {path!r} is a file", "Leave --path out")
        label = label_of(root, Path.cwd())
        if roots.get(label) != ():
            roots[label] = (*roots.get(label, ()), exact_glob(_inside(root, file)))
    return roots


def _inside(root: Path, file: Path) -> str:
    return file.resolve().relative_to(root).as_posix()
