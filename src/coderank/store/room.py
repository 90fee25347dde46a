"""What files take on disk, and what opening them takes more."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

DISK_BLOCK = 512
"""Bytes in one unit of st_blocks (POSIX leaves it open; every system at hand uses 512)."""
_MOUNTS = Path("/proc/self/mountinfo")
_DEVICE = 2
"""Which field of a line of ``mountinfo`` is major:minor (proc(5)); the type follows a field that is a hyphen."""


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the disk of a collection, in bytes; ``free`` is None where it cannot be known."""

    taken: int
    free: int | None
    backup: str
    """Where a backup goes."""
    shadow: str
    """Where new points go."""
    reserve: int = 0
    """What has to stay free besides."""


def bytes_on_disk(folder: Path) -> int:
    """Add up what a file, or all below a folder, takes on disk: the engine's are sparse, and larger by their length."""
    return _allocated(folder.stat()) if folder.is_file() else sum(map(_allocated, _states(folder)))


def bytes_to_map(folder: Path, leaving_out: Collection[str]) -> int:
    """Return how much more the files below a folder take once they are read through memory maps.

    Nothing on a real disk. A disk in memory (tmpfs) gives every page that is looked at a place, those of holes too.
    Files in folders of the names in ``leaving_out`` do not count.
    """
    if not _in_memory(folder):
        return 0
    return sum(max(0, state.st_size - _allocated(state)) for state in _states(folder, leaving_out))


def _states(folder: Path, leaving_out: Collection[str] = ()) -> list[os.stat_result]:
    states = []
    for file in folder.rglob("*"):
        if file.parent.name in leaving_out:
            continue
        try:
            states.append(file.stat())
        except FileNotFoundError:  # another process is at work in the index
            continue
    return states


def _allocated(state: os.stat_result) -> int:
    return getattr(state, "st_blocks", state.st_size // DISK_BLOCK) * DISK_BLOCK


def _in_memory(folder: Path) -> bool:
    if not _MOUNTS.exists():  # systems other than Linux keep no files in memory unless told to
        return False
    device = folder.stat().st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    mounts = (line.split() for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines())
    return any(fields[_DEVICE] == name and fields[fields.index("-") + 1] == "tmpfs" for fields in mounts)
