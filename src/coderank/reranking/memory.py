"""What is known of rerankers beyond one process: how fast they are, and until when a dead one is left alone.

A command asks once and ends. Without this each would find anew that an endpoint is dead, at the price of a time-out.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "rerankers.json"
"""In the cache folder: it can be deleted at any time."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one reranker. Moments are seconds of the system's clock; 0 is never."""

    ms_per_unit: float = 0.0
    measured_at: float = 0.0
    pause_s: float = 0.0
    """How long it is left alone each time; 0 for one that answered last."""
    until: float = 0.0
    """When it may be asked again."""
    why: str = ""


class Memory:
    """A file with an entry for each reranker. What cannot be read is unknown, what cannot be written forgotten."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """Name the file, which need not be there."""
        self._path = path
        self.now = now

    def entry(self, *identity: str) -> Entry:
        """Give the place of the reranker that these words tell from others; they may be secret."""
        return Entry(self, hashlib.sha256("\0".join(identity).encode("utf-8", "replace")).hexdigest()[:16])

    def read(self) -> dict[str, Known]:
        """Read what is known of each."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Known])
        except (OSError, msgspec.DecodeError):
            return {}

    def write(self, known: dict[str, Known]) -> None:
        """Put a new file in the place of the old one. Of two processes that do so at once, one is lost."""
        staged = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(msgspec.json.encode(known))
            staged.replace(self._path)


class Entry:
    """The place of one reranker in a memory."""

    def __init__(self, memory: Memory, key: str) -> None:
        self._memory = memory
        self._key = key

    @property
    def known(self) -> Known:
        """What the file says now."""
        return self._memory.read().get(self._key, Known())

    def now(self) -> float:
        """Tell the time as the entry keeps it."""
        return self._memory.now()

    def measured(self, ms_per_unit: float) -> None:
        """Keep a speed."""
        self._change(ms_per_unit=ms_per_unit, measured_at=self.now())

    def paused(self, pause_s: float, why: str) -> None:
        """Keep that the reranker is left alone from now on, for so long."""
        self._change(pause_s=pause_s, until=self.now() + pause_s, why=why)

    def answered(self) -> None:
        """Keep that it is well again."""
        self._change(pause_s=0.0, until=0.0, why="")

    def _change(self, **fields: float | str) -> None:
        everything = self._memory.read()
        known = everything.get(self._key, Known())
        changed = msgspec.structs.replace(known, **fields)
        if changed != known:
            self._memory.write(everything | {self._key: changed})
