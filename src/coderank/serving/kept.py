"""One engine of a server: opened when it is first asked, kept up to date, and closed again when nobody asks."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from coderank.errors import IndexNotFoundError, IndexUnusableError
from coderank.serving.follow import NOBODY, Follower, Freshness
from coderank.serving.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coderank.engine import Engine
    from coderank.errors import CoderankError
    from coderank.serving.follow import Call
    from coderank.serving.targets import Target
    from coderank.types import IndexReport, Progress, Skip

Answer = TypeVar("Answer")

PATIENCE_S = 2.0
"""How long changes may hold up an answer: an agent waits that long for any tool, and a thousand changed files are taken
in within it. Beyond it the index answers as it is, and says so."""
FIRST_PATIENCE_S = 15.0
"""How long the first answer about a tree may take that has nothing to answer from yet: clients give up after 30 to 60
seconds, and the first thousand files are found by their words long before."""
FIRST_STEP_S = 0.5
"""How often it is looked whether there is something by now."""
INLINE_CHUNKS = 64
"""Chunks without a vector that are embedded before the answer: an edited file or two."""
INLINE_S = 0.5
"""And for how long at most."""


class NotReadyError(IndexUnusableError):
    """A tree is being indexed for the first time, and nothing of it can be searched yet."""


class Kept:
    """The engine of one target. Safe among threads; every method opens it where it is closed."""

    def __init__(self, target: Target, on_sync: Callable[[], None] = lambda: None) -> None:
        """Take what is to be searched, and what to call after each sync. Nothing is opened yet."""
        self.target = target
        self._on_sync = on_sync
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._users = 0
        self._used = time.monotonic()
        self.asked = 0.0
        """When it was last asked something, on the clock of time.monotonic."""
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

    def begin(self) -> None:
        """Begin to bring the index up to date; nobody waits for it."""
        self._follower.begin()

    def ask(
        self,
        question: Callable[[Engine], Answer],
        call: Call = NOBODY,
        *,
        is_empty: Callable[[Answer], bool] = lambda _: False,
    ) -> tuple[Answer, Freshness]:
        """Answer from an index that is as fresh as patience allows.

        ``is_empty`` tells of an answer whether there was nothing to answer from.

        Raises:
            CancelledError: the caller gave up.
            NotReadyError: the first sync has nothing to show yet.
            CoderankError: what kept the index from being made, or what the engine raises.
        """
        self.asked = time.monotonic()
        asked = min(call.asked, self.asked)
        freshness = self._fresh(asked, PATIENCE_S, call)
        deadline = time.monotonic() + FIRST_PATIENCE_S
        again = False
        while True:
            try:
                answer = self.use(question)
            except IndexNotFoundError:
                if freshness.current and again:
                    raise
                if freshness.current:  # somebody deleted it under the open engine, which still sees what is gone
                    again = True
                    self.close()
                    asked = time.monotonic()
                    freshness = self._fresh(asked, PATIENCE_S, call)
                    continue
            else:
                if freshness.current or not is_empty(answer):
                    return answer, freshness
            if freshness.error is not None:
                raise freshness.error
            if time.monotonic() >= deadline:
                raise self._not_ready(freshness)
            freshness = self._fresh(asked, FIRST_STEP_S, call)

    def _fresh(self, asked: float, patience: float, call: Call) -> Freshness:
        """Wait until the index has everything that was there at a moment, or for so long."""
        # A look at 10,000 files takes 0.1 s of a core; most questions come when nothing has changed.
        if self._undisturbed():
            return Freshness(current=True)
        deadline = time.monotonic() + patience
        running = self._follower.running if self._watched else 0
        if running:  # what it could not see any more, the watch has heard
            freshness = self._follower.wait(running, patience, call)
            if self._undisturbed():
                return Freshness(current=True)
            if not freshness.current and freshness.error is None:
                return freshness
        return self._follower.wait(self._follower.begin(asked), deadline - time.monotonic(), call)

    def _undisturbed(self) -> bool:
        """Tell whether the tree is known to be as the last sync saw it."""
        if not self._watched or not self._watch.quiet():
            return False
        if self._watch.is_due() and not self._follower.running:
            self._follower.begin()
        return True

    def _not_ready(self, freshness: Freshness) -> NotReadyError:
        return NotReadyError(
            f"Nothing of {self.target.name} can be searched yet: {freshness.detail}",
            "Ask again in a few seconds; index_status tells how far it is",
        )

    def use(self, question: Callable[[Engine], Answer]) -> Answer:
        """Ask the engine as it is."""
        with self._engine_in_use() as engine:
            try:
                return question(engine)
            except IndexUnusableError as error:
                error.name_index(engine.arguments)
                raise

    def text(self, path: str) -> str | Skip | None:
        """Give the text of an indexed file as it is now; see `Engine.text`."""
        return self.use(lambda engine: engine.text(path))

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
            if self._users or self._follower.running or time.monotonic() - self._used < seconds:
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
                self._used = time.monotonic()
