"""Keeps a resource open between operations, and hands its folder over as soon as another process waits."""

from __future__ import annotations

import atexit
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from coderank.errors import CoderankError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coderank.store.lease import Lease

Resource = TypeVar("Resource")

WATCH_S = 0.02
"""How often an idle holder looks for a waiter, and how long it must have been idle: well under a noticeable delay."""
HOLD_S = 0.05
"""A busy holder keeps the folder this long, and then looks this often whether somebody waits: reopening costs as much,
so shorter turns would mostly reopen. A question uses the folder twice."""


class Tenancy(Generic[Resource]):
    """One resource that only the holder of a lease may have open, or several beside each other that only read.

    ``visit`` opens it for reading beside others, while ``may_visit`` says that this can be done: asked by whoever has
    the lease, it must say the same until he gives it up, but for a ``visit`` that gives None and ends it. Otherwise,
    what only reads has the folder for itself, too. Operations of all threads run one after another. A small thread
    watches while the resource is open and idle.
    """

    def __init__(
        self,
        lease: Lease,
        enter: Callable[[], Resource],
        leave: Callable[[Resource], None],
        timeout: float,
        *,
        visit: Callable[[], Resource | None] = lambda: None,
        may_visit: Callable[[], bool] = lambda: False,
    ) -> None:
        self._lease = lease
        self._enter = enter
        self._leave = leave
        self._timeout = timeout
        self._visit = visit
        self._may_visit = may_visit
        # Not re-entrant: an inner operation would hand over what the outer one still uses.
        self._mutex = threading.Lock()
        self._resource: Resource | None = None
        self._looked = 0.0
        """When it was opened, or found to be wanted by nobody."""
        self._used = 0.0
        self._stop = threading.Event()
        self._failure: CoderankError | None = None

    @contextmanager
    def use(self, enter: Callable[[], Resource] | None = None, *, reads: bool = False) -> Iterator[Resource]:
        """Yield the open resource to one operation; afterwards hand over if somebody waits. Must not be nested.

        ``enter`` opens it instead of what was given to the tenancy, if it is not open. An operation that only ``reads``
        takes it as it is; another one has the folder for itself.
        Raises IndexBusyError or IndexNotWritableError when the lease cannot be had, and what opening raises.
        """
        with self._mutex:
            if not reads and self._resource is not None and self._lease.shared:
                self._close()
            resource = self._resource
            if resource is None:
                resource = self._open(enter or self._enter, reads=reads)
            try:
                yield resource
            finally:
                self._used = time.monotonic()
                if self._used - self._looked >= HOLD_S:
                    self._looked = self._used
                    if self._lease.wanted():
                        self._close()

    @contextmanager
    def vacant(self) -> Iterator[None]:
        """Close the resource and keep every process out of the folder meanwhile."""
        with self._mutex:
            self._close()
            self._lease.acquire(self._timeout)
            try:
                yield
            finally:
                self._lease.release()

    def close(self) -> None:
        """Close the resource and give up the lease; the next use opens it again."""
        with self._mutex:
            self._close()
            self._raise_failure()

    def _open(self, enter: Callable[[], Resource], *, reads: bool) -> Resource:
        self._raise_failure()
        since = time.monotonic()
        while self._resource is None:
            shared = reads and self._may_visit()
            self._lease.acquire(self._timeout, shared=shared, since=since)
            try:
                self._resource = self._entered(enter, reads=reads)
            finally:
                if self._resource is None:
                    self._lease.release()
        self._looked = self._used = time.monotonic()
        self._stop = threading.Event()
        threading.Thread(target=self._watch, args=(self._stop,), name="coderank-lease", daemon=True).start()
        # Without this the watcher could be inside the engine when the interpreter goes away.
        atexit.register(self.close)
        return self._resource

    def _entered(self, enter: Callable[[], Resource], *, reads: bool) -> Resource | None:
        """Open it as the lease allows; None where that has changed while it was waited for."""
        if reads and self._may_visit():
            # Several may have waited to have it alone. The first of them was enough: the others share it, after another
            # look, since on the way from one lock to the other somebody else may have had it.
            shared = self._lease.shared or (self._lease.share() and self._may_visit())
            return self._visit() if shared else None
        return None if self._lease.shared else enter()

    def _close(self) -> None:
        if self._resource is None:
            return
        resource, self._resource = self._resource, None
        self._stop.set()
        atexit.unregister(self.close)
        try:
            self._leave(resource)
        finally:
            self._lease.release()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(WATCH_S):
            with self._mutex:
                idle = time.monotonic() - self._used >= WATCH_S
                if not stop.is_set() and idle and self._lease.wanted():
                    self._close_for_next_use()

    def _close_for_next_use(self) -> None:
        # Nobody called, so nobody can be told now: the next use raises it.
        try:
            self._close()
        except CoderankError as error:
            self._failure = error

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
