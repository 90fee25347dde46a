"""The text of a file is that of now, however lately it was read before."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from coderank.corpus import texts as texts_module
from coderank.corpus.read import read_again
from coderank.corpus.texts import Texts
from coderank.types import Skip, SkipReason

OLD = time.time() - 60


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files were read."""
    found: list[str] = []
    real = read_again

    def counted(root: Path, path: str) -> str | Skip:
        found.append(path)
        return real(root, path)

    monkeypatch.setattr(texts_module, "read_again", counted)
    monkeypatch.setattr(texts_module, "SETTLED_NS", 0)  # a test has not the time to leave a file alone
    return found


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_a_file_that_nobody_touched_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    write(tmp_path, "src/a.py", "a = 1\r\n")
    texts = Texts(tmp_path)
    assert [texts.of("src/a.py") for _ in range(3)] == ["a = 1\n"] * 3
    assert reads == ["src/a.py"]


def test_a_file_of_the_same_size_and_time_is_another_one(tmp_path: Path, reads: list[str]) -> None:
    file = write(tmp_path, "a.py", "a = 1\n")
    os.utime(file, (OLD, OLD))
    texts = Texts(tmp_path)
    assert texts.of("a.py") == "a = 1\n"
    time.sleep(0.02)  # longer than a tick of the file system's clock
    file.write_text("a = 2\n", "utf-8")
    os.utime(file, (OLD, OLD))
    assert texts.of("a.py") == "a = 2\n"
    write(tmp_path, "b.py", "a = 3\n").replace(file)
    os.utime(file, (OLD, OLD))
    assert texts.of("a.py") == "a = 3\n"
    assert len(reads) == 3


def test_what_was_written_a_moment_ago_is_read_again(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts_module, "SETTLED_NS", 3_600_000_000_000)
    write(tmp_path, "a.py", "a = 1\n")
    texts = Texts(tmp_path)
    texts.of("a.py")
    texts.of("a.py")
    assert len(reads) == 2


def test_what_is_gone_or_leads_out_by_now_is_not_given_from_memory(tmp_path: Path, reads: list[str]) -> None:
    root = tmp_path / "root"
    file = write(root, "src/a.py", "a = 1\n")
    texts = Texts(root)
    assert texts.of("src/a.py") == "a = 1\n"
    write(tmp_path, "other/a.py", "secret = 1\n")
    file.parent.rename(root / "moved")
    (root / "src").symlink_to("../other")
    assert texts.of("src/a.py") == Skip("src/a.py", SkipReason.OUTSIDE_ROOT)
    (root / "src").unlink()
    found = texts.of("src/a.py")
    assert isinstance(found, Skip)
    assert found.reason is SkipReason.UNREADABLE
    assert texts.of("nul\0.py") == Skip("nul\0.py", SkipReason.UNREADABLE, "embedded null byte")
    assert len(reads) == 4


def test_the_oldest_texts_go_first(tmp_path: Path, reads: list[str]) -> None:
    for name in "abc":
        write(tmp_path, f"{name}.py", name * 10_000)
    texts = Texts(tmp_path, keep_bytes=25_000)
    for name in "abac":  # there is room for two: b goes, which was asked for longest ago
        texts.of(f"{name}.py")
    reads.clear()
    texts.of("a.py")
    texts.of("c.py")
    assert reads == []
    texts.of("b.py")
    assert reads == ["b.py"]
