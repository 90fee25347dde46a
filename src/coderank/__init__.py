"""Find code by meaning: hybrid semantic search over repositories.

``from coderank import Engine`` is the whole of it: open, index, search.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Nothing is sent anywhere. ONNX Runtime reports its start to its maker as soon as it is imported, and keeps a number of
# the machine in the user's home for it; the function that switches reports off comes too late for both. The hub's
# library tells which others are installed. Who sets these variables decides otherwise.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it prints to the terminal what is raised as an error anyway

if TYPE_CHECKING:
    from coderank.engine import Engine

__version__ = "0.1.0"
__all__ = ["Engine", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: the command line must start without the engine.
    if name == "Engine":
        from coderank.engine import Engine  # noqa: PLC0415

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
