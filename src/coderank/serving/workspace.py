"""The one object behind a server's doors: what it serves, kept open, and asked in terms of questions and answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.errors import CoderankError, PathNotFoundError
from coderank.retrieval.limits import checked_globs, checked_limit, checked_query
from coderank.retrieval.merge import merged
from coderank.serving import asking
from coderank.serving.caretaker import IDLE_S, Caretaker
from coderank.serving.follow import NOBODY
from coderank.serving.gate import IN_FLIGHT, Gate
from coderank.serving.kept import Kept
from coderank.serving.related import related
from coderank.serving.spans import Span, checked
from coderank.serving.targets import chosen, collections, folders, glob_inside, here_if_a_project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set
    from typing import Self

    from coderank.engine import Engine
    from coderank.serving.follow import Call, Freshness
    from coderank.serving.targets import Target
    from coderank.settings import Settings
    from coderank.types import Hit, Progress, SearchResult, Skip, Status


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks."""

    query: str
    limit: int = 10
    collection: str = ""
    """Name of a folder or a configured collection; empty for every folder."""
    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Globs as in a .gitignore, relative to a root or with it before them, as in the path of a hit."""
    rerank: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What one target answered."""

    kept: Kept
    result: SearchResult | None
    """None while it has no index yet."""
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets: the hits of all targets in one order, and how each stands."""

    result: SearchResult
    parts: tuple[Part, ...]

    def checked(self, hits: Sequence[Hit]) -> tuple[list[Span], int]:
        """Compare hits of this answer with their files now, and count those whose file is gone: they are left out."""
        texts = self._texts({(hit.root, hit.path) for hit in hits})
        found: list[Span] = []
        for rank, hit in enumerate(hits):
            span = checked(hit, texts[hit.root, hit.path])
            if span is not None:
                found.append(Span(span.hit, span.standing, span.hits, rank))
        return found, len(hits) - len(found)

    def _texts(self, places: Set[tuple[str, str]]) -> dict[tuple[str, str], str | Skip | None]:
        """Read files, named by root and path, from the targets that their hits are of: the last one of that root."""
        holders = {root: part.kept for part in self.parts if part.result for root in {hit.root for hit in part.result}}
        return {
            (root, path): text
            for root in {root for root, _ in places}
            for path, text in holders[root].texts(path for its, path in places if its == root).items()
        }


@dataclass(frozen=True, slots=True)
class State:
    """How one target stands. Exactly one of ``status`` and ``problem`` is given."""

    target: Target
    status: Status | None
    problem: CoderankError | None
    progress: Progress | None
    """How far the sync that runs now has come."""
    failure: CoderankError | None = None
    """What kept vectors from being filled in."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of one target without opening or reading anything."""

    target: Target
    asked_by_default: bool
    """Whether a question that names no collection is about it too."""
    opened: bool
    indexing: bool
    chunks: int | None
    """After the last look at its files; None before the first."""
    dense_coverage: float | None


class Workspace:
    """Everything a server may search. Safe among threads; nothing is opened before it is asked for."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        default: Sequence[str],
        *,
        in_flight: int = IN_FLIGHT,
        idle_s: float = IDLE_S,
    ) -> None:
        """Take what is served, and the names that a question is about which names none."""
        self.targets = dict(targets)
        self.gate = Gate(in_flight)
        """The doors let every request in here first."""
        self._default = tuple(default)
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()
        self._caretaker = Caretaker(lambda: list(self._kept.values()), idle_s)

    @classmethod
    def open(
        cls, paths: Sequence[str], settings: Settings, *, only: Sequence[str] | None = None, force: bool = False
    ) -> Self:
        """Serve these folders (none: the current one) and the configured collections, or ``only`` those named.

        A question that names neither is about the folders. Where none was given and the current one is no project,
        the collections are served alone, and such a question is about all of them.

        Raises:
            PathNotFoundError: no such folder; or the current one is no project, and there are no collections; or,
                without ``force``, one is a home folder or the top of a disk.
            ConfigurationError: the file of collections cannot be used.
            UnknownCollectionError: it has none of a name.
        """
        named = collections(settings, only)
        try:
            own = folders(paths or [here_if_a_project()], settings, named, force=force)
        except PathNotFoundError:
            if paths or not named:
                raise
            own = {}
        return cls(own | named, tuple(own or named))

    def search(self, question: Question, call: Call = NOBODY) -> Answer:
        """Find code by meaning, after taking in what changed.

        Raises:
            InvalidQueryError: an empty or over-long query or glob, a limit out of range, an unknown language.
            UnknownCollectionError: nothing of that name is served.
            NotReadyError: the first index of a tree has nothing to show yet.
            CancelledError: the caller gave up.
            CoderankError: what the engine raises.
        """
        checked_query(question.query)
        checked_limit(question.limit)
        checked_globs(question.paths)

        def ask(engine: Engine) -> SearchResult:
            return engine.search(
                question.query,
                limit=question.limit,
                languages=question.languages,
                paths=[_inside(engine, glob) for glob in question.paths],
                rerank=question.rerank,
            )

        replies = asking.ask(self._meant(question.collection), ask, call, is_empty=lambda found: not found.index.chunks)
        parts = tuple(Part(reply.kept, reply.answer, reply.freshness) for reply in replies)
        return Answer(merged([part.result for part in parts if part.result is not None], question.limit), parts)

    def related(self, path: str, line: int, *, limit: int = 10, collection: str = "", call: Call = NOBODY) -> Answer:
        """Find code like the code at a line (1-based) of a file, named as a hit names it or relative to its root.

        Searches the folder or collection that the file is of. Raises what `search` raises, and:
            PathNotFoundError: the file is not in the index, or has no such line.
            InvalidQueryError: several folders have such a file.
        """
        checked_limit(limit)
        reply = related(self._meant(collection), path, line, limit, call)
        return Answer(reply.answer, (Part(reply.kept, reply.answer, reply.freshness),))

    def states(self, collection: str = "") -> tuple[State, ...]:
        """Tell how every target stands, or one. Reads only. Raises UnknownCollectionError."""
        names = [chosen(collection, self.targets).name] if collection else list(self.targets)
        return tuple(self._state(self._keep(name)) for name in names)

    def pulses(self) -> tuple[Pulse, ...]:
        """Tell what is known of every target. Opens nothing, so that being watched keeps nothing open."""
        return tuple(self._pulse(name) for name in self.targets)

    def _pulse(self, name: str) -> Pulse:
        kept = self._keep(name)
        seen = kept.seen
        return Pulse(
            target=kept.target,
            asked_by_default=name in self._default,
            opened=kept.opened,
            indexing=kept.progress is not None,
            chunks=seen.chunks if seen else None,
            dense_coverage=seen.dense_coverage if seen else None,
        )

    def warm_up(self) -> None:
        """Begin to bring the folders up to date, so that the first question waits less."""
        for name in self._default:
            self._keep(name).begin()

    def close(self) -> None:
        """Stop what runs in the background, and release every index."""
        self._caretaker.stop()
        for kept in self._kept.values():
            kept.close()

    def _state(self, kept: Kept) -> State:
        try:
            status, problem = kept.use(lambda engine: engine.status()), None
        except CoderankError as error:
            status, problem = None, error
        return State(kept.target, status, problem, kept.progress, kept.failure)

    def _meant(self, collection: str) -> list[Kept]:
        names = [chosen(collection, self.targets).name] if collection else self._default
        return [self._keep(name) for name in names]

    def _keep(self, name: str) -> Kept:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = Kept(self.targets[name], self._caretaker.wake)
            return self._kept[name]


def _inside(engine: Engine, glob: str) -> str:
    if not engine.collection:
        return glob_inside(engine.label, str(engine.root), glob)
    inside = engine.inside(glob)
    return glob if inside == glob else f"/{inside or '**'}"
