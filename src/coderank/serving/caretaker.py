"""Does in the background of a server what no question should wait for: missing vectors, and closing what lies idle."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from coderank.errors import CoderankError
from coderank.loading.opened import release
from coderank.serving.follow import Call, CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.serving.kept import Kept

IDLE_S = 600.0
"""How long an engine stays open without a question: opening it and its model again takes a third of a second, and an
agent that thinks or waits for its user for ten minutes does not notice that. A model takes 100 to 400 MB."""
SLICE_S = 5.0
"""How long vectors of one tree are computed before it is looked which tree was asked last."""
RETRY_S = 5.0
"""How long to wait where nothing could be added: another process is at it, or the model failed."""
RETRY_MAX_S = 300.0
"""A failure is tried again after twice the time of the last, up to this: a server may come back, a broken model not."""

log = logging.getLogger(__name__)


class Caretaker:
    """One thread that serves all engines of a server in turn, the one that was asked last first."""

    def __init__(self, kept: Callable[[], Sequence[Kept]], idle_s: float = IDLE_S) -> None:
        """Take what gives the engines there are; `start` begins."""
        self._kept = kept
        self._idle_s = idle_s
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._retries: dict[Kept, _Retry] = {}
        """Of those to which nothing could be added."""

    def wake(self) -> None:
        """Look at once whether there is something to do."""
        with self._lock:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="coderank-caretaker", daemon=True)
                self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """End the thread at its next step."""
        with self._lock:
            self._stopped, thread = True, self._thread
        self._wake.set()
        if thread is not None:
            thread.join(2 * SLICE_S)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                pause = self._round()
            except Exception:  # the thread's boundary: without it nothing is ever filled in or closed again
                log.exception("Cannot look after the indexes")
                pause = RETRY_S
            if pause:
                self._wake.wait(pause)

    def _round(self) -> float:
        """Do one piece of work, and return how long to wait before the next."""
        behind = sorted((one for one in self._kept() if one.opened and one.lacks_vectors), key=lambda one: -one.asked)
        for one in behind:
            if self._is_due(one) and self._fill(one):
                return 0.0
        closed = [one.close_if_idle(self._idle_s) for one in self._kept()]
        if all(closed):
            release()
        now = time.monotonic()
        pauses = [self._retries[one].at - now for one in behind if one in self._retries]
        return max(0.05, min([self._idle_s / 4, *pauses]))

    def _is_due(self, one: Kept) -> bool:
        return one not in self._retries or self._retries[one].at <= time.monotonic()

    def _fill(self, one: Kept) -> int:
        try:
            added = one.fill(SLICE_S, Call(cancelled=lambda: self._stopped))
        except CancelledError:
            return 0
        except CoderankError as error:
            self._failed(one, error)
            return 0
        except Exception as error:  # noqa: BLE001 - the thread's boundary: it goes on, and index_status says why
            failure = CoderankError(f"unexpected {type(error).__name__}: {error}", "The server's log says more")
            failure.__cause__ = error
            self._failed(one, failure)
            return 0
        if added:
            self._retries.pop(one, None)
        else:
            self._retries[one] = _Retry(RETRY_S)
        return added

    def _failed(self, one: Kept, error: CoderankError) -> None:
        """Note a failure, and say it once; then wait twice as long as after the last."""
        if one.failure is None or str(one.failure) != str(error):
            log.warning("Cannot fill in vectors of %s: %s", one.target.name, error, exc_info=error.__cause__)
        before = self._retries.get(one) if one.failure is not None else None
        self._retries[one] = _Retry(min(RETRY_MAX_S, 2 * before.wait) if before else RETRY_S)
        one.failure = error


class _Retry:
    """When to try again, and after how long a wait."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.at = time.monotonic() + wait
