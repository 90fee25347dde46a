"""A second way into a shard, for processes that only read: many at once, beside each other.

The engine locks a shard by its write-ahead log. A view is a folder of the same segments without one, so whoever opens
it must not write, and nobody may write meanwhile (`store/lease.py`). It is there only while the engine has nothing left
to do at an opening: made when somebody has opened the shard itself, only read, and closed it; gone before the next one
opens the shard itself, as who writes does, and who finds no view.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from coderank.errors import WRITABLE, IndexNotWritableError
from coderank.store.atomic import put_whole, sync_folder

CONFIG = "edge_config.json"
"""What makes the folder a view. The engine writes it anew at every opening, so nothing else is kept in it."""
_NOTED = "log.json"
"""How the log was when the shard itself was last opened."""


def view_of(shard: Path) -> Path:
    """Name the folder of the view."""
    return shard.with_name(f"{shard.name}.view")


def offer(shard: Path) -> None:
    """Make the view of a shard that was closed, if nothing was written since it was opened; failing leaves none.

    Where something was, the engine has left journals behind, which the next opening takes in and deletes: two that did
    so at once could be in each other's way. Who had it open beside others finds the view there, and leaves it.
    """
    view = view_of(shard)
    if os.name != "posix":  # elsewhere the engine cannot open what another process has mapped
        return
    with suppress(OSError, msgspec.DecodeError):
        if (view / CONFIG).exists() or not _log_is_as_noted(shard):
            return
        segments = view / "segments"
        if not segments.is_symlink():
            segments.symlink_to(Path("..", shard.name, "segments"))
        config: dict[str, Any] = msgspec.json.decode((shard / CONFIG).read_bytes())
        put_whole(view / CONFIG, msgspec.json.encode(config | {"wal_enabled": False}))


def withdraw(shard: Path) -> None:
    """Take the view away before the shard itself is opened, and note how its log is; the caller has it for himself."""
    view = view_of(shard)
    try:
        (view / CONFIG).unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise IndexNotWritableError(f"Cannot delete {view / CONFIG}: {error.strerror or error}", WRITABLE) from error
    with suppress(OSError):  # a full disk does not stop a search
        view.mkdir(exist_ok=True)
        sync_folder(view)  # a power cut must not bring the view back beside a log that has gone on
        (view / _NOTED).write_bytes(msgspec.json.encode(_log_state(shard)))


def is_offered(shard: Path) -> bool:
    """Whether the view shows all that was written. Not where others had the shard open: its log is not as noted."""
    with suppress(OSError, msgspec.DecodeError):
        return (view_of(shard) / CONFIG).exists() and _log_is_as_noted(shard)
    return False


def discard(shard: Path) -> None:
    """Delete the view with the shard that it shows."""
    shutil.rmtree(view_of(shard), ignore_errors=True)


def _log_is_as_noted(shard: Path) -> bool:
    return bool(msgspec.json.decode((view_of(shard) / _NOTED).read_bytes()) == _log_state(shard))


def _log_state(shard: Path) -> list[list[Any]]:
    """Say what changes with every entry of the log, and when the log is replaced by another."""
    states = ((file.name, file.stat()) for file in sorted((shard / "wal").iterdir()))
    return [[name, state.st_ino, state.st_size, state.st_mtime_ns] for name, state in states]
