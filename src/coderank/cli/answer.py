"""Asks one question of every root: bring its index up to date, search, join the answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coderank.cli.freshness import Freshness, bring_up_to_date
from coderank.corpus.roots import exact_glob, here, indexed_root, is_file, label_of, resolved, root_of
from coderank.engine import Engine
from coderank.errors import IndexNotFoundError, UsageError
from coderank.retrieval.limits import checked_limit, checked_query
from coderank.retrieval.merge import merged
from coderank.settings import expanded
from coderank.store import fingerprint
from coderank.types import SearchMode
from coderank.wiring import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from coderank.settings import Settings
    from coderank.types import SearchResult


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of every root alike."""

    query: str
    limit: int | None = None
    """None: what a collection says, else DEFAULT_LIMIT."""
    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    mode: str = SearchMode.HYBRID
    rerank: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How engines are opened."""

    settings: Settings
    model: str | None = None
    index_dir: Path | None = None
    one_shot: bool = False
    """Whether the process ends with the answer."""

    def open(self, root: str) -> Engine:
        """Open the engine of one root, to be closed by the caller."""
        return Engine.open(
            root,
            model=self.model or "auto",
            index_dir=self.index_dir,
            settings=self.settings,
            one_shot=self.one_shot,
        )

    def open_collection(self, name: str) -> Engine:
        """Open the engine of a collection, to be closed by the caller."""
        return Engine.open_collection(name, model=self.model or "auto", settings=self.settings, one_shot=self.one_shot)

    def is_indexed(self, folder: Path) -> bool:
        """Tell whether a folder has an index of its own where this place keeps them."""
        if self.index_dir is None:
            return Engine.is_indexed(folder, settings=self.settings)
        try:
            return fingerprint.read(self.index_dir).is_of(folder)
        except IndexNotFoundError:
            return False


@dataclass(frozen=True, slots=True)
class _Root:
    """One root to ask."""

    label: str
    """As the user calls it."""
    files: dict[str, str] = field(default_factory=dict)
    """Paths below the root that the search is restricted to, with what the user calls each; none: all of it."""


def search(question: Question, paths: Sequence[str], wanted: Freshness, place: Place) -> tuple[SearchResult, str]:
    """Answer from all paths together, and say what becomes of missing vectors.

    Raises UsageError and its kin for a bad question, IndexUnusableError and its kin for a bad index.
    """
    question = replace(question, limit=question.limit or DEFAULT_LIMIT)
    _check(question)
    # Every root is opened, which does no work, before the first is brought up to date, which may be a lot of it.
    engines = [(place.open(root.label), root.files) for root in _roots(paths, question, place)]
    answers = [answer for engine, files in engines for answer in _ask(question, engine, files, wanted, place)]
    outlooks = dict.fromkeys(outlook for _, outlook in answers if outlook)
    return merged([result for result, _ in answers], question.limit or DEFAULT_LIMIT), "; ".join(outlooks)


def search_collection(question: Question, name: str, wanted: Freshness, place: Place) -> tuple[SearchResult, str]:
    """Answer from a collection, and say what becomes of missing vectors. Raises what `search` raises."""
    _check(question)
    ((result, outlook),) = _ask(question, place.open_collection(name), {}, wanted, place)
    return result, outlook


def related(file: Path, line: int, limit: int | None, wanted: Freshness, place: Place) -> tuple[SearchResult, str]:
    """Find code like the code at a line, in the tree of the file."""
    root = root_of(file, place.is_indexed)
    with place.open(label_of(root, here())) as engine:
        outlook = bring_up_to_date(engine, wanted, place.settings)
        return engine.related(_inside(root, file), line, limit=limit or DEFAULT_LIMIT), outlook


def related_in_collection(
    at: tuple[str, int], limit: int | None, name: str, wanted: Freshness, place: Place
) -> tuple[SearchResult, str]:
    """Find code like the code at a line of a file in a collection, named as a hit names it."""
    with place.open_collection(name) as engine:
        outlook = bring_up_to_date(engine, wanted, place.settings)
        return engine.related(*at, limit=limit or DEFAULT_LIMIT), outlook


def _check(question: Question) -> None:
    checked_query(question.query)
    if question.limit is not None:
        checked_limit(question.limit)
    if question.languages:
        from coderank.retrieval.scope import checked_languages  # noqa: PLC0415 - hardly anybody names one

        checked_languages(question.languages)


def _ask(
    question: Question, opened: Engine, files: Mapping[str, str], wanted: Freshness, place: Place
) -> list[tuple[SearchResult, str]]:
    """Ask one root, and every file that its index leaves out as a root of its own."""
    with opened as engine:
        if question.mode != SearchMode.LEXICAL:
            engine.anticipate(question.query, rerank=question.rerank)
        outlook = bring_up_to_date(engine, wanted, place.settings)
        result = engine.search(
            question.query,
            limit=question.limit,
            languages=question.languages,
            paths=tuple(map(exact_glob, files)) or question.globs,
            mode=question.mode,
            rerank=question.rerank,
        )
        silent = files.keys() - {hit.path for hit in result}
        left_out = [given for path, given in files.items() if path in silent and not _holds(engine, path)]
    answers = [] if files and len(left_out) == len(files) else [(result, outlook)]
    for given in left_out:
        answers += _ask(question, place.open(given), {}, wanted, place)
    return answers


def _holds(engine: Engine, path: str) -> bool:
    """Tell whether an index has a file: a search that is restricted to none of its files has no stages."""
    return bool(engine.search(path, limit=1, paths=(exact_glob(path),), mode=SearchMode.LEXICAL).stages)


def _roots(paths: Sequence[str], question: Question, place: Place) -> Iterable[_Root]:
    """List what to ask, each root once, however it is called.

    A file below an indexed folder is searched there; any other is a root of its own.
    """
    roots: dict[Path, _Root] = {}
    for path in paths:
        file = expanded(path)
        root = indexed_root(file, place.is_indexed) if is_file(file) else None
        if root is None:
            roots[resolved(path)] = _Root(path)
            continue
        if question.globs:
            raise UsageError(f"--path restricts a folder, and {path!r} is a file", "Leave --path out")
        known = roots.setdefault(root, _Root(label_of(root, here()), {_inside(root, file): path}))
        if known.files:
            known.files.setdefault(_inside(root, file), path)
    return roots.values()


def _inside(root: Path, file: Path) -> str:
    return file.resolve().relative_to(root).as_posix()
