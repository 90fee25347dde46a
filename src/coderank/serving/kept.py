"""One engine of a server: opened when it is first asked, kept up to date, and closed again when nobody asks."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from coderank.errors import IndexNotFoundError, IndexUnusableError
from coderank.serving.follow import NOBODY, Follower, Freshness
from coderank.serving.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from coderank.engine import Engine
    from coderank.errors import CoderankError
    from coderank.serving.follow import Call
    from coderank.serving.targets import Target
    from coderank.types import IndexReport, Progress, Skip

Answer = TypeVar("Answer")

INLINE_CHUNKS = 64
"""Chunks without a vector that are embedded before the answer: an edited file or two."""
INLINE_S = 0.5
"""And for how long at most."""


class Kept:
    """The engine of one target. Safe among threads; every method opens it where it is closed."""

    def __init__(self, target: Target, on_sync: Callable[[], None] = lambda: None) -> None:
        """Take what is to be searched, and what to call after each sync. Nothing is opened yet."""
        self.target = target
        self._on_sync = on_sync
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._users = 0
        self.asked = time.monotonic()
        """When it was last asked a question, or else made, on the clock of time.monotonic. Neither a look at how it
        stands nor vectors that are filled in count: they would keep an engine open that nobody needs."""
        self._follower = Follower(self._sync, target.name)
        self._watch = Watch()
        self._watched = False
        """Whether the watch is told of everything that the index is made of."""
        self._pending = 0
        self._filled = False
        self.seen: IndexReport | None = None
        """What the last sync or fill found."""
        self.failure: CoderankError | None = None
        """What kept vectors from being filled in when that was last tried."""

    @property
    def opened(self) -> bool:
        """Whether the engine is open."""
        return self._engine is not None

    @property
    def progress(self) -> Progress | None:
        """How far the sync that runs now has come."""
        return self._follower.progress

    @property
    def lacks_vectors(self) -> bool:
        """Whether chunks had no vector after the last sync or fill, other than those that the model refused."""
        return self._pending > 0 and not self._filled

    def begin(self, asked: float = math.inf) -> None:
        """Begin to bring the index up to what was there at a moment, without waiting: now, or when somebody asked."""
        if not self._undisturbed() and not self._hears_meanwhile:
            self._follower.begin(asked)

    def fresh(self, asked: float, until: float, call: Call = NOBODY) -> Freshness:
        """Wait until the index has everything that was there at a moment, or until another. Raises CancelledError."""
        # A look at 10,000 files takes 0.1 s of a core; most questions come when nothing has changed.
        if self._undisturbed():
            return Freshness(current=True)
        running = self._hears_meanwhile
        if running:
            freshness = self._follower.wait(running, until - time.monotonic(), call)
            if self._undisturbed():
                return Freshness(current=True)
            if not freshness.current and freshness.error is None:
                return freshness
        return self._follower.wait(self._follower.begin(asked), until - time.monotonic(), call)

    def answer(
        self, question: Callable[[Engine], Answer], freshness: Freshness, patience: float, call: Call = NOBODY
    ) -> tuple[Answer | None, Freshness]:
        """Ask the engine; None while there is no index yet. One that was deleted is made again, for so many seconds.

        Raises CancelledError, and what the engine raises.
        """
        self.asked = time.monotonic()
        try:
            return self.use(question), freshness
        except IndexNotFoundError:
            if not freshness.current:
                return None, freshness
        self.close()  # somebody deleted it under the open engine, which still sees what is gone
        now = time.monotonic()
        freshness = self.fresh(now, now + patience, call)
        try:
            return self.use(question), freshness
        except IndexNotFoundError:
            if freshness.current:
                raise
            return None, freshness

    @property
    def _hears_meanwhile(self) -> int:
        """Number of the sync that runs now if what it cannot see any more is heard by the watch; else 0."""
        return self._follower.running if self._watched else 0

    def _undisturbed(self) -> bool:
        """Tell whether the tree is known to be as the last sync saw it."""
        if not self._watched or not self._watch.quiet():
            return False
        if self._watch.is_due() and not self._follower.running:
            self._follower.begin()
        return True

    def use(self, question: Callable[[Engine], Answer]) -> Answer:
        """Ask the engine as it is."""
        with self._engine_in_use() as engine:
            try:
                return question(engine)
            except IndexUnusableError as error:
                error.name_index(engine.arguments)
                raise

    def texts(self, paths: Iterable[str]) -> dict[str, str | Skip | None]:
        """Give the texts of indexed files as they are now; see `Engine.text`."""
        return self.use(lambda engine: {path: engine.text(path) for path in paths})

    def fill(self, seconds: float, call: Call = NOBODY) -> int:
        """Compute missing vectors for so long, and return how many were added: 0 also while another process does.

        Raises CancelledError within a fifth of a second after ``call`` was cancelled; nothing computed is lost.
        """

        def once(engine: Engine) -> int:
            added = engine.fill(deadline=time.monotonic() + seconds, on_progress=lambda _: call.check())
            self._note(engine.sync())
            if added and not self.lacks_vectors:
                engine.compact()
            return added

        added = self.use(once)
        self.failure = None
        return added

    def _note(self, report: IndexReport) -> None:
        self.seen = report
        self._pending = round(report.chunks * (1 - report.dense_coverage))
        self._filled = report.filled

    def close_if_idle(self, seconds: float) -> bool:
        """Close the engine if nobody asked for so long, and tell whether it is closed."""
        with self._lock:
            if self._engine is None:
                return True
            if self._users or self._follower.running or time.monotonic() - self.asked < seconds:
                return False
            engine, self._engine = self._engine, None
        self._watch.close()
        engine.close()
        return True

    def close(self) -> None:
        """Close the engine, whoever uses it; the next use opens it again."""
        with self._lock:
            engine, self._engine = self._engine, None
        self._watch.close()
        if engine is not None:
            engine.close()

    def _sync(self, tell: Callable[[Progress], None]) -> IndexReport:
        def once(engine: Engine) -> IndexReport:
            with self._watch.look():
                report = engine.sync(on_progress=tell)
            self._note(report)
            if self.lacks_vectors and self._pending <= INLINE_CHUNKS and report.dense_coverage:
                self._pending -= engine.fill(deadline=time.monotonic() + INLINE_S)
            return report

        report = self.use(once)
        self._on_sync()
        return report

    @contextmanager
    def _engine_in_use(self) -> Iterator[Engine]:
        with self._lock:
            if self._engine is None:
                self._engine = self.target.open()
                self._watched = self._engine.tell_folders(self._watch.seen)
            engine = self._engine
            self._users += 1
        try:
            yield engine
        finally:
            with self._lock:
                self._users -= 1
