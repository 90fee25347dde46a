from __future__ import annotations

from pathlib import Path

import pytest

from coderank.errors import (
    CoderankError,
    IndexBusyError,
    IndexCorruptError,
    IndexIncompatibleError,
    IndexNotWritableError,
    StoreError,
)
from coderank.store.failures import is_panic, meaning

FOLDER = Path("/indexes/one")
SERVICE = "Service runtime error: "


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SERVICE + "failed to open WAL /i/wal: Can't init WAL: Kind(WouldBlock)", IndexBusyError),
        (SERVICE + "IO Error: No space left on device (os error 28)", IndexNotWritableError),
        (SERVICE + 'Custom { kind: StorageFull, error: "..." }', IndexNotWritableError),
        (SERVICE + 'Os { code: 27, kind: FileTooLarge, message: "File too large" }', IndexNotWritableError),
        (SERVICE + "IO Error: File too large (os error 27)", IndexNotWritableError),
        (SERVICE + "IO Error: Too many open files (os error 24)", StoreError),
        (SERVICE + "IO Error: Permission denied (os error 13)", IndexNotWritableError),
        (SERVICE + "IO Error: Read-only file system (os error 30)", IndexNotWritableError),
        (SERVICE + "config is incompatible with existing segments: expected vector size 9", IndexIncompatibleError),
        (SERVICE + "IO Error: Failed to deserialize /i/edge_config.json: key must be", IndexCorruptError),
        (SERVICE + "Gridstore IO error: elements range 65024..65067 is out of bounds", IndexCorruptError),
        (SERVICE + "vector 0 is not readable from /i/vectors", IndexCorruptError),
        ("Vector dimension error: expected dim: 8, got 4", StoreError),
        ("", StoreError),
    ],
)
def test_each_message_has_its_meaning(text: str, kind: type[CoderankError]) -> None:
    error = meaning(RuntimeError(text), FOLDER)
    assert type(error) is kind
    assert str(FOLDER) in error.message
    assert text in error.message
    assert bool(error.remedy) is (kind is not StoreError or "too many" in text.lower())


def test_an_unknown_message_means_what_the_caller_says() -> None:
    error = meaning(RuntimeError("two\n lines"), FOLDER, IndexCorruptError)
    assert type(error) is IndexCorruptError
    assert "two lines" in error.message
    assert "--rebuild" in error.remedy


def test_a_panic_means_a_damaged_index_whatever_it_says() -> None:
    panic = type("PanicException", (BaseException,), {})("index out of bounds: the len is 0 but the index is 0")
    assert is_panic(panic)
    assert type(meaning(panic, FOLDER)) is IndexCorruptError
    assert not is_panic(KeyboardInterrupt())
