"""When the session that runs fast pays for its opening."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIMISE_AT_QUERY = 3
"""The query that opens the optimised session. Opening costs 150 ms instead of 50, a query then takes 4 ms instead of
20: a one-shot command asks once and must not pay, a server gains from the tenth query on."""
OPTIMISE_AT_DOCUMENT = 64
"""Documents that open it: their 15,000 tokens take 2 s, of which it saves a quarter."""

SessionT = TypeVar("SessionT")


class Sessions(Generic[SessionT]):
    """Holds one session: first one that opens at once, then, when it pays, one that runs fast. Safe among threads."""

    def __init__(self, open_session: Callable[[bool], SessionT], *, ready: bool = False) -> None:
        """Open nothing yet; ``open_session`` is told whether to optimise, never with a ``ready`` file that is fast."""
        self._open = open_session
        self._ready = ready
        self._lock = threading.Lock()
        self._session: SessionT | None = None
        self._optimised = False
        self._queries = 0
        self._documents = 0

    def for_query(self) -> SessionT:
        """Give the session for one more query."""
        with self._lock:
            self._queries += 1
            return self._fitting()

    def for_documents(self, count: int) -> SessionT:
        """Give the session for so many more documents."""
        with self._lock:
            self._documents += count
            return self._fitting()

    def _fitting(self) -> SessionT:
        used = self._queries >= OPTIMISE_AT_QUERY or self._documents >= OPTIMISE_AT_DOCUMENT
        pays = used and not self._ready
        if self._session is None or (pays and not self._optimised):
            # The first one goes before the second comes: both at once would double the memory.
            self._session = None
            self._session = self._open(pays)
            self._optimised = pays
        return self._session
