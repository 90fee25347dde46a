"""Keep off an endpoint that does not answer, for a while: in this process, and in those that share a memory."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from coderank.reranking.memory import Entry

COOL_DOWN_S = 60.0
"""First pause. Long enough that a session of searches pays one time-out a minute, short enough that a restarted server
is found again while its user waits for it."""
LONGEST_COOL_DOWN_S = 600.0
"""Each failure after a pause doubles the next one, up to this."""


class Breaker:
    """Lets calls through until one fails; then none for a while; then one, to see. Safe among threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, entry: Entry | None = None) -> None:
        """Start as another process left it where there is an ``entry`` that tells, else closed: calls go through."""
        self._clock = clock
        self._entry = entry
        self._lock = threading.Lock()
        self._pause = 0.0
        self._until = 0.0
        self._trying = False
        self._why = ""
        if entry:
            self._resume(entry)

    def blocked(self) -> str:
        """Say why no call would go through now; empty when one would."""
        with self._lock:
            return self._blocked()

    def enter(self) -> str:
        """Ask to call: empty when the call may go, otherwise why not. A call that went must report back."""
        with self._lock:
            reason = self._blocked()
            if not reason and self._pause:
                # The others wait for what this one finds, or, should it never report, for one more pause.
                self._trying, self._until = True, self._clock() + self._pause
            return reason

    def succeeded(self) -> None:
        """Report that the endpoint answered, if only with an error of the request's own."""
        with self._lock:
            was_paused = self._pause > 0
            self._pause, self._trying, self._why = 0.0, False, ""
            if was_paused and self._entry:
                self._entry.answered()

    def failed(self, why: str, *, kept: bool = True) -> None:
        """Report that the endpoint did not answer; ``kept`` is whether other processes are to know."""
        with self._lock:
            begins = self._trying or not self._pause
            if begins:
                self._pause = min(LONGEST_COOL_DOWN_S, self._pause * 2 or COOL_DOWN_S)
                self._until = self._clock() + self._pause
            self._trying, self._why = False, why
            if begins and kept and self._entry:
                self._entry.paused(self._pause, why)

    def _resume(self, entry: Entry) -> None:
        known = entry.known
        left = known.until - entry.now()
        # A pause that is over for long says nothing any more, nor does one from a clock that was set back since.
        if known.pause_s > 0 and -LONGEST_COOL_DOWN_S < left <= known.pause_s:
            self._pause, self._until, self._why = known.pause_s, self._clock() + left, known.why

    def _blocked(self) -> str:
        if not self._pause:
            return ""
        left = self._until - self._clock()
        return f"skipped for {left:.0f} s more, because {self._why}" if left > 0 else ""
