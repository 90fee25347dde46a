"""Whose index a folder holds, and what it is called on the command line."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from coderank.errors import IndexCorruptError, IndexIncompatibleError
from coderank.indexing.location import arguments, check_root, holds_index, index_folder, recorded, remembered
from coderank.store import fingerprint

MADE = fingerprint.Fingerprint(fingerprint.FORMAT, "all-minilm-l6-v2", "r", 384, "1", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    fingerprint.write(folder, MADE, tmp_path)
    (folder / "manifest.db").touch()
    return folder


def test_an_index_of_another_version_is_an_index(folder: Path, tmp_path: Path) -> None:
    record = folder / fingerprint.FILE_NAME
    record.write_text(record.read_text("utf-8").replace('"format": 2', '"format": 99'), "utf-8")
    assert holds_index(folder)
    assert remembered(folder, tmp_path) is None
    with pytest.raises(IndexIncompatibleError, match="format is 99"):
        recorded(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]"])
def test_one_with_a_damaged_record_can_be_rebuilt(folder: Path, tmp_path: Path, content: bytes) -> None:
    (folder / fingerprint.FILE_NAME).write_bytes(content)
    assert holds_index(folder)
    assert remembered(folder, tmp_path) is None
    with pytest.raises(IndexCorruptError, match="coderank index --rebuild PATH"):
        recorded(folder)


def test_a_record_that_is_not_ours_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (folder / fingerprint.FILE_NAME).write_text('{"dependencies": {}}', "utf-8")
    (folder / "letter.txt").touch()
    for refuse in (holds_index, recorded, lambda it: remembered(it, tmp_path)):
        with pytest.raises(IndexCorruptError, match="Choose another folder with --index-dir"):
            refuse(folder)
    (folder / "letter.txt").unlink()
    (folder / "manifest.db").unlink()
    with pytest.raises(IndexCorruptError, match="Choose another folder"):
        holds_index(folder)


def test_a_folder_without_a_record_is_free_or_foreign(tmp_path: Path) -> None:
    assert not holds_index(tmp_path / "none")
    (tmp_path / "precious").touch()
    with pytest.raises(IndexCorruptError, match="precious"):
        holds_index(tmp_path)


def test_the_index_of_another_root_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexIncompatibleError, match=r"with --index-dir$"):
        remembered(folder, tmp_path / "other")


def test_that_of_a_root_that_is_gone_can_only_be_built_anew(folder: Path, tmp_path: Path) -> None:
    fingerprint.write(folder, MADE, tmp_path / "gone")
    found = remembered(folder, tmp_path / "other")
    assert found is not None
    with pytest.raises(IndexIncompatibleError, match=r"--index-dir, or, .*: coderank index --rebuild PATH"):
        check_root(folder, found, tmp_path / "other")
    check_root(folder, found, tmp_path / "gone")


def test_a_root_that_is_not_utf_8_is_known_again(folder: Path) -> None:
    root = Path("/work/\udcff")
    fingerprint.write(folder, MADE, root)
    found = recorded(folder)
    assert found is not None
    check_root(folder, found, root)


def test_folders_differ_by_the_whole_path(tmp_path: Path) -> None:
    one, two = (index_folder(tmp_path, Path(path)) for path in ("/a/my repo", "/b/my repo"))
    assert one != two
    assert one.name.startswith("my-repo-")
    assert index_folder(tmp_path, Path("/\udcff")).name.startswith("root-")


@pytest.mark.parametrize("path", ["repo", "my repo", "it's", "-x"])
def test_arguments_can_be_pasted(path: str) -> None:
    first, *others = shlex.split(arguments(Path(path), Path("an index"), "m"))
    assert Path(first) == Path(path)
    assert not first.startswith("-")
    assert others == ["--index-dir", "an index", "--model", "m"]
    assert shlex.split(arguments(Path(path), None)) == [first]
