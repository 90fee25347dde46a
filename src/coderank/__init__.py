"""Find code by meaning: hybrid semantic search over repositories.

``from coderank import Engine`` is the whole of it: open, index, search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
