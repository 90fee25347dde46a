"""What a message of the engine means: it raises plain exceptions, so the text is all there is to go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import (
    CoderankError,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
    StoreError,
)

if TYPE_CHECKING:
    from pathlib import Path

REBUILD = "Build it again: coderank index --rebuild PATH"
_MEANINGS: tuple[tuple[type[CoderankError], tuple[str, ...], str], ...] = (
    (IndexBusyError, ("wouldblock",), "End the other program that has it open, then run the command again"),
    (
        IndexNotWritableError,
        ("no space left", "storagefull", "quota exceeded", "permission denied", "permissiondenied", "read-only file"),
        "Free space or allow writing there, then run the command again",
    ),
    (IndexIncompatibleError, ("incompatible",), REBUILD),
    (
        IndexCorruptError,
        ("deserialize", "io error", "invaliddata", "out of bounds", "not readable", "failed to load segment"),
        REBUILD,
    ),
)


def meaning(error: BaseException, folder: Path, otherwise: type[CoderankError] = StoreError) -> CoderankError:
    """Translate an exception of the engine on ``folder``; ``otherwise`` is what an unknown message means."""
    text = " ".join(str(error).split())
    message = f"The index at {folder} failed: {text}"
    for kind, markers, remedy in _MEANINGS:
        if any(marker in text.lower() for marker in markers):
            return kind(message, remedy)
    return otherwise(message, REBUILD if otherwise is IndexCorruptError else "")
