"""What a message of the engine means: it raises plain exceptions, so the text is all there is to go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.errors import (
    REBUILD,
    WRITABLE,
    CoderankError,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
    StoreError,
)

if TYPE_CHECKING:
    from pathlib import Path

_MEANINGS: tuple[tuple[type[CoderankError], tuple[str, ...], str], ...] = (
    (IndexBusyError, ("wouldblock",), "End the other program that has it open, then run the command again"),
    (
        IndexNotWritableError,
        (
            *("no space left", "storagefull", "quota exceeded", "file too large", "filetoolarge"),
            *("permission denied", "permissiondenied", "read-only file"),
        ),
        WRITABLE,
    ),
    (
        StoreError,
        ("too many open files", "cannot allocate memory"),
        "Close other programs or raise the limit (ulimit), then run the command again",
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
    if is_panic(error):
        otherwise = IndexCorruptError
    text = " ".join(str(error).split())
    message = f"The index at {folder} failed: {text}"
    for kind, markers, remedy in _MEANINGS:
        if any(marker in text.lower() for marker in markers):
            return kind(message, remedy)
    return otherwise(message, REBUILD if otherwise is IndexCorruptError else "")


def is_panic(error: BaseException) -> bool:
    """Tell whether the engine's own code broke off, as it does on many a damaged file.

    The class cannot be imported, and is no Exception: its authors want it to end the program.
    """
    return type(error).__name__ == "PanicException"
