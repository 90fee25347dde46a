"""Files of a package mirror, each compared with its SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import httpx

TRIES = 4
"""Connections that are tried for a file: a mirror that is busy refuses some."""
AT_ONCE = 32
"""Connections that are kept open: most of a small file's time would go to opening one."""
PATIENCE_S = 60
"""Seconds a mirror may be silent: some fetch a file from elsewhere before they give it."""


class UnfetchedError(Exception):
    """A mirror does not give a file."""


class ChangedError(Exception):
    """A mirror gives another file than the one that was pinned."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A mirror that is reached by HTTP."""

    root: str

    def bytes(self, path: str, sha256: str = "") -> bytes:
        """Fetch one file; try again where the connection fails.

        Raises:
            UnfetchedError: the mirror does not give it.
            ChangedError: it is not what was pinned.
        """
        url = f"{self.root.rstrip('/')}/{path}"
        try:
            answer = _client().get(url)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise UnfetchedError(f"cannot fetch {url}: {error}") from error
        if sha256 and (found := hashlib.sha256(answer.content).hexdigest()) != sha256:
            raise ChangedError(f"{url} has SHA-256 {found} instead of {sha256}: the mirror holds another file")
        return answer.content


@cache
def _client() -> httpx.Client:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    transport = httpx.HTTPTransport(retries=TRIES, limits=limits)
    return httpx.Client(transport=transport, timeout=PATIENCE_S, follow_redirects=True)
