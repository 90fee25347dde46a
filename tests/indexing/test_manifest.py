from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coderank.errors import IndexBusyError, IndexCorruptError, IndexIncompatibleError, IndexNotWritableError
from coderank.indexing import database
from coderank.indexing.manifest import WRITING, FileRow, Manifest, SkipRow
from coderank.types import Skip, SkipReason


def row(path: str, chunks: int = 2, language: str = "python") -> FileRow:
    return FileRow(path, 10, 20, 30, "digest", chunks, language)


LEFT = SkipRow("left.js", 1, 2, 3, SkipReason.MINIFIED, "one line")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "manifest.db"


@pytest.fixture
def manifest(path: Path) -> Manifest:
    return Manifest(path)


def test_rows_survive_reopening(manifest: Manifest, path: Path) -> None:
    manifest.finish([row("a.py"), row("ü/b.py")], [LEFT], [])
    manifest.close()
    again = Manifest(path)
    assert again.files() == [row("a.py"), row("ü/b.py")]
    assert again.skips() == [LEFT]
    assert again.skips()[0].skip() == Skip("left.js", SkipReason.MINIFIED, "one line")


def test_begin_marks_known_and_new_files(manifest: Manifest) -> None:
    manifest.finish([row("a.py")], [], [])
    manifest.begin(["a.py", "b.py"])
    assert manifest.files()[0] == row("a.py")._replace(state=WRITING)
    assert [(found.path, found.state, found.chunks) for found in manifest.files()] == [
        ("a.py", WRITING, 2),
        ("b.py", WRITING, 0),
    ]


def test_a_file_is_indexed_or_left_out_never_both(manifest: Manifest) -> None:
    manifest.finish([row("left.js")], [], [])
    manifest.finish([], [LEFT], [])
    assert (manifest.files(), manifest.skips()) == ([], [LEFT])
    manifest.touch([row("left.js")], [], [])
    assert (manifest.files(), manifest.skips()) == ([row("left.js")], [])
    manifest.finish([], [], ["left.js"])
    assert (manifest.files(), manifest.skips()) == ([], [])


def test_totals_and_languages(manifest: Manifest) -> None:
    assert manifest.totals() == (0, 0, 0)
    manifest.finish([row("a", 2, "python"), row("b", 3, "go"), row("c", 1, "python"), row("d", 0, "")], [], [])
    manifest.count_dense(4)
    assert manifest.totals() == (4, 6, 4)
    assert manifest.languages() == (("go", 3), ("python", 3))


def test_filled_holds_until_points_are_written(manifest: Manifest) -> None:
    manifest.finish([row("a")], [], [])
    assert not manifest.filled()
    manifest.mark_filled(manifest.revision())
    assert manifest.filled()
    manifest.touch([row("a")], [], [])
    assert manifest.filled()
    manifest.begin(["a"])
    assert not manifest.filled()
    manifest.finish([row("a")], [], [])
    assert not manifest.filled()


def test_vectors_finished_for_an_older_revision_do_not_count(manifest: Manifest) -> None:
    before = manifest.revision()
    manifest.finish([row("a")], [], [])
    manifest.mark_filled(before)
    assert not manifest.filled()


def test_begin_all_marks_every_file(manifest: Manifest) -> None:
    manifest.finish([row("a"), row("b")], [], [])
    before = manifest.revision()
    assert not manifest.lossy()
    manifest.begin_all()
    assert {found.state for found in manifest.files()} == {WRITING}
    assert manifest.lossy()
    assert manifest.revision() > before


@pytest.mark.parametrize("make_up", [Manifest.mark_whole, Manifest.clear])
def test_a_loss_is_remembered_until_it_is_made_up_for(manifest: Manifest, make_up: Callable[[Manifest], None]) -> None:
    manifest.begin_all()
    make_up(manifest)
    assert not manifest.lossy()


def test_a_failed_transaction_leaves_no_trace(manifest: Manifest) -> None:
    manifest.finish([row("a")], [], [])
    with pytest.raises(IndexCorruptError):
        manifest.finish([row("b"), row("c")._replace(size=None)], [], ["a"])  # type: ignore[arg-type]
    assert manifest.files() == [row("a")]


@pytest.mark.parametrize("content", [b"not a database, but long enough to have a header" * 100, b"\x00" * 8192])
def test_damage_names_the_remedy(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(IndexCorruptError, match="coderank index --rebuild PATH"):
        Manifest(path)


def test_a_damaged_page_is_reported_on_reading(manifest: Manifest, path: Path) -> None:
    manifest.finish([row(f"{number:0100}") for number in range(500)], [], [])
    manifest.close()
    content = bytearray(path.read_bytes())
    content[4096 * 5 :] = b"\xff" * (len(content) - 4096 * 5)
    path.write_bytes(bytes(content))
    with pytest.raises(IndexCorruptError, match="--rebuild"):
        Manifest(path).files()


def test_another_format_is_refused(manifest: Manifest, path: Path) -> None:
    manifest.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IndexIncompatibleError, match="format 99"):
        Manifest(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexNotWritableError):
        Manifest(tmp_path / "file" / "manifest.db")


def test_a_lock_that_is_never_released(manifest: Manifest, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    other = Manifest(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexBusyError):
        other.begin(["a"])
    holder.close()


def test_processes_that_create_it_together(path: Path) -> None:
    code = f"from pathlib import Path; from coderank.indexing.manifest import Manifest; Manifest(Path({str(path)!r}))"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4


def test_on_a_full_disk_it_can_be_read(manifest: Manifest, path: Path) -> None:
    manifest.finish([row("a.py")], [], [])
    manifest.close()
    # Write-ahead mode needs a shared-memory file of 32 KB beside the database.
    code = f"""
import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pathlib import Path
from coderank.errors import IndexNotWritableError
from coderank.indexing.manifest import Manifest
manifest = Manifest(Path({str(path)!r}))
assert [found.path for found in manifest.files()] == ["a.py"]
try:
    manifest.begin(["a.py"])
except IndexNotWritableError:
    print("not writable")
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "not writable\n"
