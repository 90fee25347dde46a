from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from coderank.errors import SourceUnavailableError
from coderank.indexing.ready import MAX_LINE_BYTES, ReadyTree
from coderank.indexing.tree import Content
from coderank.types import Chunk, SkipReason


def written(file: Path, *lines: object, age: int = 60) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    stamp = file.stat().st_mtime_ns - age * 10**9
    os.utime(file, ns=(stamp, stamp))
    return file


def chunks(tree: ReadyTree) -> list[Chunk]:
    found = [tree.read(entry) for entry in tree.entries().files]
    return [chunk for one in found if isinstance(one, Content) for chunk in one.cut()]


A = {"content": "def a():\n    pass\n", "path": "lib/a.py", "start_line": 7, "symbol": "a", "names": ["a"]}


@pytest.mark.parametrize("name", ["chunks.jsonl", "chunks.jsonl.gz"])
def test_lines_become_the_chunks_of_their_paths(tmp_path: Path, name: str) -> None:
    later = {"content": "# later", "path": "lib/a.py", "start_line": 40, "end_line": 41, "tags": ["ignored"]}
    file = written(tmp_path / name, later, A, "", {"content": "Free text.", "language": "Markdown"})
    tree = ReadyTree(file, tmp_path / "cache")
    assert [entry.path for entry in tree.entries().files] == [name, "lib/a.py"]
    assert chunks(tree) == [
        Chunk(name, 4, 4, "markdown", "Free text."),
        Chunk("lib/a.py", 7, 8, "python", A["content"], "a", defines=("a",)),  # type: ignore[arg-type] # a str
        Chunk("lib/a.py", 40, 41, "python", "# later"),
    ]


def test_an_export_can_be_a_source(tmp_path: Path) -> None:
    point = {"id": "0", "payload": A | {"end_line": 8, "language": "python", "signature": "def a():", "defines": ["a"]}}
    tree = ReadyTree(written(tmp_path / "e.jsonl", point), tmp_path / "cache")
    assert [(one.path, one.symbol, one.signature) for one in chunks(tree)] == [("lib/a.py", "a", "def a():")]


def test_every_line_that_is_no_chunk_is_named(tmp_path: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc"
    wrong: list[object] = [
        "{",
        {"path": "x.py"},
        {"content": "  "},
        {"content": "x", "path": "/etc/passwd"},
        {"content": "x", "path": "a/../../b"},
        {"content": "x", "start_line": 0},
        {"content": "x", "start_line": 5, "end_line": 4},
        {"content": "x", "path": "conf/.env"},
        {"content": key},
        {"id": 1, "payload": {"text": "x"}},
        '{"content": "' + "x" * MAX_LINE_BYTES + '"}',
        "[]",
    ]
    tree = ReadyTree(written(tmp_path / "c.jsonl", A, *wrong, A), tmp_path / "cache")
    listing = tree.entries()
    assert [entry.path for entry in listing.files] == ["lib/a.py"]
    assert len(chunks(tree)) == 2
    assert [skip.path for skip in listing.skips] == [f"c.jsonl:{number + 2}" for number in range(len(wrong))]
    reasons = [skip.reason for skip in listing.skips]
    assert reasons[2] == SkipReason.EMPTY
    assert reasons[7:9] == [SkipReason.SECRET] * 2
    assert set(reasons[:2] + reasons[3:7] + reasons[9:]) == {SkipReason.MALFORMED}
    assert "content" in listing.skips[1].detail
    assert "payload" in listing.skips[9].detail
    assert "4,194,304 bytes" in listing.skips[10].detail


def test_only_paths_whose_lines_changed_look_changed(tmp_path: Path) -> None:
    other = {"content": "b", "path": "b.py"}
    file = tmp_path / "c.jsonl"
    tree = ReadyTree(written(file, A, other, age=90), tmp_path / "cache")
    before = {entry.path: entry for entry in tree.entries().files}
    written(file, other, A | {"content": "def a(): return 1"})
    after = {entry.path: entry for entry in tree.entries().files}
    assert after["b.py"] == before["b.py"]
    assert after["lib/a.py"] != before["lib/a.py"]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = written(tmp_path / "c.jsonl", A)
    tree = ReadyTree(file, tmp_path / "cache")
    listing = tree.entries()
    stat = file.stat()
    file.write_bytes(b"x" * stat.st_size)
    os.utime(file, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert tree.entries() == listing


def test_a_file_changed_within_the_stamp_of_its_reading_is_read_again(tmp_path: Path) -> None:
    file = written(tmp_path / "c.jsonl", A, age=0)
    tree = ReadyTree(file, tmp_path / "cache")
    stat = file.stat()
    tree.entries()
    file.write_text(file.read_text().replace("lib/a.py", "lib/b.py"))
    os.utime(file, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert [entry.path for entry in tree.entries().files] == ["lib/b.py"]


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("absent.jsonl", None, "No such file"),
        ("c.jsonl", b"{}\n{}\n", r"No line of .* is a chunk; c.jsonl:1: .*content"),
        ("c.jsonl.gz", b"not compressed", "Cannot read"),
        ("c.jsonl.gz", gzip.compress(b"{}" * 5000)[:-9], "Cannot read"),
    ],
)
def test_a_file_without_chunks_is_an_error(tmp_path: Path, name: str, data: bytes | None, complaint: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceUnavailableError, match=complaint):
        ReadyTree(tmp_path / name, tmp_path / "cache").entries()


def test_a_file_that_broke_keeps_what_was_read_before(tmp_path: Path) -> None:
    file = written(tmp_path / "c.jsonl.gz", A, age=90)
    tree = ReadyTree(file, tmp_path / "cache")
    (entry,) = tree.entries().files
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(SourceUnavailableError):
        tree.entries()
    assert isinstance(tree.read(entry), Content)


def test_an_empty_file_is_an_empty_tree(tmp_path: Path) -> None:
    assert ReadyTree(written(tmp_path / "c.jsonl"), tmp_path / "cache").entries().files == ()
