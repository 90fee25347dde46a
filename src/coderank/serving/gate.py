"""Lets in as many requests as can be answered in reasonable time, and turns the others away at once."""

from __future__ import annotations

import threading

from coderank.errors import CoderankError

IN_FLIGHT = 128
"""Requests that are answered or wait at one time: twice the clients that one server is measured with. At 15 ms each the
last one waits two seconds, which is as long as an agent should; each takes a few KB while it waits."""
RETRY_AFTER_S = 2
"""What a client that was turned away is told to wait: about the time in which a full queue empties."""


class OverloadedError(CoderankError):
    """Too many requests at once. ``retry_after`` says in how many seconds to come back."""

    def __init__(self, in_flight: int, retry_after: int = RETRY_AFTER_S) -> None:
        super().__init__(f"{in_flight} requests are being answered already", f"Ask again in {retry_after} seconds")
        self.retry_after = retry_after


class Ticket:
    """One admitted request; leaving twice is leaving once."""

    def __init__(self, gate: Gate) -> None:
        self._gate: Gate | None = gate
        self._lock = threading.Lock()

    def leave(self) -> None:
        """Make room for another request."""
        with self._lock:
            gate, self._gate = self._gate, None
        if gate is not None:
            gate.left()


class Gate:
    """Counts the requests of a process. Safe among threads."""

    def __init__(self, limit: int = IN_FLIGHT) -> None:
        """Take the most requests that may be in flight."""
        self._limit = limit
        self._lock = threading.Lock()
        self._in_flight = 0
        self._shed = 0

    @property
    def in_flight(self) -> int:
        """Requests that are being answered or wait."""
        return self._in_flight

    @property
    def shed(self) -> int:
        """Requests that were turned away since the start."""
        return self._shed

    def enter(self) -> Ticket:
        """Let one request in. Raises OverloadedError where there are too many."""
        with self._lock:
            if self._in_flight >= self._limit:
                self._shed += 1
                raise OverloadedError(self._in_flight)
            self._in_flight += 1
        return Ticket(self)

    def left(self) -> None:
        """Count one request out."""
        with self._lock:
            self._in_flight -= 1
