"""Waits for what a server does behind its answers."""

from __future__ import annotations

import time

from coderank.serving.workspace import Workspace


def covered(workspace: Workspace) -> float:
    """Wait for the vectors that fill in behind, and return the coverage."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        [state] = workspace.states()
        if state.status and state.status.dense_coverage == 1:
            return 1.0
        time.sleep(0.02)
    return 0.0
