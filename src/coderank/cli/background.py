"""Starts the process that fills in vectors after the answer has been given."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coderank.engine import Engine

_LOG_LIMIT = 1_000_000
"""Bytes after which the log starts anew; a failing run adds a line or two."""
_WINDOWS_FLAGS = 0x00000008 | 0x00004000 | 0x00000200
"""DETACHED_PROCESS | BELOW_NORMAL_PRIORITY_CLASS | CREATE_NEW_PROCESS_GROUP."""


def start(engine: Engine) -> None:
    """Start ``coderank index --background`` on its own, so that it outlives this process and its terminal.

    A second one for the same index ends at once, so nothing is checked here. Raises OSError.
    """
    log = engine.index_dir / "background.log"
    mode = "wb" if log.exists() and log.stat().st_size > _LOG_LIMIT else "ab"
    with log.open(mode) as output:
        subprocess.Popen(  # noqa: S603 - this program itself, with paths as separate arguments
            command(engine), stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_detached()
        )


def command(engine: Engine) -> list[str]:
    """The command line; ``-P`` keeps the folder the user stands in from shadowing a module."""
    index = (
        ["--collection", engine.collection]
        if engine.collection
        else [str(engine.root), "--index-dir", str(engine.index_dir)]
    )
    return [sys.executable, "-P", "-m", "coderank", "index", *index, "--quiet", "--background"]


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": _WINDOWS_FLAGS}
    return {"start_new_session": True}
