"""A second way into a shard, for processes that only read: many at once, beside each other.

The engine locks a shard by its write-ahead log. A view is a folder of the same segments without a log, so nobody may
write through it, nor while others have it open: the leases of `store/lease.py` see to that, the engine does not. It
opens the files of a view to write, and replaces some by the same content; what they hold does not change (tested).

A view is made when the shard itself was opened, only read and closed, so that nothing is left to do at an opening. It
is gone before the shard itself is opened again: by a process that writes, or by one that finds no view.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from coderank.errors import WRITABLE, IndexNotWritableError
from coderank.store.atomic import put_whole, sync_folder

CONFIG = "edge_config.json"
"""What makes the folder a view. The engine writes it anew at every opening, so nothing else is kept in it."""
SEGMENTS = "segments"
"""Where the engine keeps the points of a shard, beside its log."""
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
        if not (view / SEGMENTS).is_symlink():
            (view / SEGMENTS).symlink_to(Path("..", shard.name, SEGMENTS))
        config: dict[str, Any] = msgspec.json.decode((shard / CONFIG).read_bytes())
        put_whole(view / CONFIG, msgspec.json.encode(config | {"wal_enabled": False}))


def withdraw(shard: Path) -> None:
    """Take the view away before the shard itself is opened, and note how its log is; the caller has it for himself."""
    view = view_of(shard)
    end(shard)
    with suppress(OSError):  # a full disk does not stop a search
        view.mkdir(exist_ok=True)
        for leftover in {file.name for file in view.iterdir()} - {SEGMENTS, _NOTED}:  # of a process that was killed
            if (view / leftover).is_dir():
                shutil.rmtree(view / leftover, ignore_errors=True)
            else:
                (view / leftover).unlink()
        sync_folder(view)  # a power cut must not bring the view back beside a log that has gone on
        (view / _NOTED).write_bytes(msgspec.json.encode(_log_state(shard)))


def end(shard: Path) -> None:
    """Let nobody else in by the view. Those that are in go on."""
    config = view_of(shard) / CONFIG
    try:
        config.unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise IndexNotWritableError(f"Cannot delete {config}: {error.strerror or error}", WRITABLE) from error


def is_offered(shard: Path) -> bool:
    """Whether there is a view that shows all that was written.

    Not where somebody else had the shard open, since its log is not as noted, and not in a copy, since it is another.
    """
    view = view_of(shard)
    with suppress(OSError, msgspec.DecodeError):
        return _is_file(view / CONFIG) and (view / SEGMENTS).samefile(shard / SEGMENTS) and _log_is_as_noted(shard)
    return False


def discard(shard: Path) -> None:
    """Delete the view with the shard that it shows."""
    shutil.rmtree(view_of(shard), ignore_errors=True)


def _is_file(path: Path) -> bool:
    with path.open("rb"):  # by opening it: on a network file system to look only tells what was there a minute ago
        return True


def _log_is_as_noted(shard: Path) -> bool:
    return bool(msgspec.json.decode((view_of(shard) / _NOTED).read_bytes()) == _log_state(shard))


def _log_state(shard: Path) -> list[list[Any]]:
    """Say what no entry of the log leaves as it is, whose log it is, and which engine reads it.

    The engine gives the files their size beforehand, so it is the time that changes. A newer engine might convert what
    it opens, which many must not do at once.
    """
    states: list[list[Any]] = [[_engine()]]
    for file in sorted((shard / "wal").iterdir()):
        with file.open("rb") as stream:
            state = os.fstat(stream.fileno())
        states.append([file.name, state.st_ino, state.st_size, state.st_mtime_ns])
    return states


@cache
def _engine() -> str:
    """Name the release by the folder that says what is installed: importlib.metadata takes 15 ms of every search."""
    engine = find_spec("qdrant_edge")
    assert engine is not None
    assert engine.origin is not None
    installed = Path(engine.origin).parents[1].glob("qdrant_edge_py-*.dist-info")
    return ",".join(sorted(folder.name for folder in installed))
