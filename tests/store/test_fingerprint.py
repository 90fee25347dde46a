from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coderank.errors import IndexCorruptError, IndexIncompatibleError, IndexNotFoundError, IndexNotWritableError
from coderank.store import fingerprint
from coderank.store.fingerprint import (
    FILE_NAME,
    FORMAT,
    RULES,
    Fingerprint,
    IndexRecord,
    bring_up_to_date,
    check,
    current,
    read,
    write,
)

MADE = Fingerprint(format=FORMAT, model="m", revision="r1", dimension=384, chunker="c1", header="h1")
ROOT = Path("/somewhere/project")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "new" / "index", MADE, ROOT)
    assert read(tmp_path / "new" / "index") == IndexRecord(MADE, str(ROOT))


def test_the_root_is_kept_absolute(tmp_path: Path) -> None:
    write(tmp_path, MADE, Path("relative"))
    assert Path(read(tmp_path).root) == Path.cwd() / "relative"


def test_writing_again_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, MADE, ROOT)
    newer = msgspec.structs.replace(MADE, revision="r2")
    write(tmp_path, newer, ROOT)
    assert read(tmp_path).fingerprint == newer
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_equal_fingerprints_pass_whatever_the_root() -> None:
    check(MADE, msgspec.structs.replace(MADE), ROOT)


@pytest.mark.parametrize("field", Fingerprint.__struct_fields__)
def test_each_field_that_differs_is_named_with_both_values(field: str) -> None:
    other: Any = 7 if isinstance(getattr(MADE, field), int) else "other"
    with pytest.raises(IndexIncompatibleError) as caught:
        check(msgspec.structs.replace(MADE, **{field: other}), MADE, ROOT)
    assert f"{field} is {other!r}, expected {getattr(MADE, field)!r}" in caught.value.message
    anew = "Build it anew beside this one: coderank migrate PATH, or in its place: coderank index --rebuild PATH"
    assert caught.value.remedy == (anew if field in RULES else "Build it again: coderank index --rebuild PATH")
    assert caught.value.message.count("expected") == 1


def test_all_differences_are_named() -> None:
    with pytest.raises(IndexIncompatibleError, match=r"model is 'x'.*dimension is 768"):
        check(msgspec.structs.replace(MADE, model="x", dimension=768), MADE, ROOT)


@pytest.mark.parametrize("folder", ["missing", "a-file/below"])
def test_no_index(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(IndexNotFoundError, match="coderank index"):
        read(tmp_path / folder)


def stored(**changes: object) -> str:
    fingerprint = {**msgspec.to_builtins(MADE), **changes}
    return json.dumps({"fingerprint": fingerprint, "root": str(ROOT)})


FOREIGN = [
    b"",
    b"\xff\xfe\x00",
    b"not json",
    b"[]",
    b"{}",
    b'{"fingerprint": {"format": 1}, "root": "/r"}',
    b'{"fingerprint": "x", "root": "/r"}',
    stored(dimension="384").encode(),
    stored(extra=1).encode(),
    stored()[:-5].encode(),
]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_foreign_file_is_refused_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(IndexCorruptError, match="delete"):
        read(tmp_path)
    with pytest.raises(IndexCorruptError):
        write(tmp_path, MADE, ROOT)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_record_left_alone_is_decoded_once_and_another_in_its_place_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "SETTLED_NS", 0)  # a test has not the time to leave a file alone
    write(tmp_path, MADE, ROOT)
    time.sleep(0.02)  # longer than a tick of the file system's clock
    first = read(tmp_path)
    assert read(tmp_path) is first
    other = msgspec.structs.replace(MADE, model="x")
    write(tmp_path, other, ROOT)
    assert read(tmp_path).fingerprint == other
    (tmp_path / FILE_NAME).unlink()
    with pytest.raises(IndexNotFoundError):
        read(tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(IndexCorruptError):
        read(tmp_path)


def test_another_format_is_incompatible_whatever_its_fields(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(stored(format=FORMAT + 1, something="new"))
    with pytest.raises(IndexIncompatibleError, match=f"format is {FORMAT + 1}.*--rebuild PATH"):
        read(tmp_path)
    write(tmp_path, MADE, ROOT)
    assert read(tmp_path).fingerprint == MADE


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(IndexNotWritableError, match="a-file"):
        write(tmp_path / "a-file", MADE, ROOT)


def test_a_record_of_the_format_before_is_used_and_written_anew_when_asked(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(stored(format=1))
    assert read(tmp_path) == IndexRecord(MADE, str(ROOT))
    assert '"format": 1' in (tmp_path / FILE_NAME).read_text()
    bring_up_to_date(tmp_path)
    assert f'"format": {FORMAT}' in (tmp_path / FILE_NAME).read_text()
    assert read(tmp_path) == IndexRecord(MADE, str(ROOT))
    before = (tmp_path / FILE_NAME).stat().st_mtime_ns
    bring_up_to_date(tmp_path)
    assert (tmp_path / FILE_NAME).stat().st_mtime_ns == before


def test_only_readable_formats_become_the_present_one() -> None:
    assert current(msgspec.structs.replace(MADE, format=1)) == MADE
    assert current(msgspec.structs.replace(MADE, format=99)).format == 99
