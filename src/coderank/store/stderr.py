"""Holds back what the engine prints when it panics: the exception that follows says it in one line."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDERR = 2
_turn = threading.Lock()
"""The descriptor belongs to the process: two threads that put it aside at once would not both find it again."""


@contextmanager
def silent_if_failing() -> Iterator[None]:
    """Keep what is written to standard error meanwhile; pass it on afterwards unless the block raises."""
    with _turn:
        try:
            kept = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed below
            real = os.dup(_STDERR)
        except OSError:  # no place for the file, or no standard error to protect
            yield
            return
        try:
            os.dup2(kept.fileno(), _STDERR)
            try:
                yield
            finally:
                os.dup2(real, _STDERR)
            kept.seek(0)
            if said := kept.read():
                os.write(real, said)
        finally:
            os.close(real)
            kept.close()
