from __future__ import annotations

import sys
from pathlib import Path

import pytest

from coderank.store import room

HOLE = 1 << 20


def sparse(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(b"x")
        stream.truncate(HOLE)
    return file


@pytest.mark.skipif(sys.platform == "win32", reason="files are not sparse by themselves there")
def test_holes_take_nothing_on_disk(tmp_path: Path) -> None:
    sparse(tmp_path / "a" / "sparse")
    (tmp_path / "whole").write_bytes(b"y" * 10_000)
    assert 10_000 < room.bytes_on_disk(tmp_path) < HOLE


def test_nothing_is_needed_on_a_disk_that_leaves_holes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse(tmp_path / "sparse")
    monkeypatch.setattr(room, "_MOUNTS", tmp_path / "no such file")
    assert room.bytes_to_map(tmp_path, ()) == 0


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a disk in memory")
def test_holes_are_needed_on_a_disk_in_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        sparse(folder / "vectors" / "sparse")
        sparse(folder / "wal" / "sparse")
        assert room.bytes_to_map(folder, ()) > HOLE
        assert HOLE // 2 < room.bytes_to_map(folder, {"wal"}) < HOLE
