"""After any history of edits, and after kills at any moment, the index equals one built afresh."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.indexing.indexing_world import DIMENSION, MemoryStore, World, source

from coderank.corpus.identity import vector_key
from coderank.errors import IndexNotWritableError
from coderank.indexing.manifest import DONE
from coderank.store.contract import Counts, StoreQuery
from coderank.store.edge import EdgeStore
from coderank.types import Filters

if TYPE_CHECKING:
    from coderank.types import Chunk

KILLS = int(os.environ.get("CODERANK_TEST_KILLS", "6"))
"""Kills of the suite; a soak run sets more."""
ALMOST_FULL = 48 << 20
"""Free bytes below which the store writes nothing, and above which its engine can open an index."""
PROJECT = Path(__file__).parents[2]

paths = st.sampled_from(["a.py", "b.py", "lib/c.py", "lib/d.md", "tests/e.py"])
contents = st.sampled_from(
    ["", "x = 1\n", "# title\n\ntext\n", source("one"), source("two", 2), "\n\n" + source("one")]
)
steps = st.one_of(
    st.tuples(st.just("write"), paths, contents),
    st.tuples(st.just("delete"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("sync")),
    st.tuples(st.just("fill")),
    st.tuples(st.just("mark"), paths),
)


def apply(world: World, step: tuple[str, ...]) -> None:
    match step:
        case ("write", path, text):
            world.write(path, text, age=random.Random(text).choice([0.0, 60.0]))
        case ("delete", path):
            (world.root / path).unlink(missing_ok=True)
        case ("rename", old, new) if (world.root / old).exists():
            (world.root / new).parent.mkdir(parents=True, exist_ok=True)
            (world.root / old).replace(world.root / new)
        case ("sync",):
            world.indexer.sync()
        case ("fill",):
            world.indexer.fill()
        case ("mark", path):
            world.manifest.begin([path])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25))
def test_any_history_ends_like_a_fresh_index(history: list[tuple[str, ...]]) -> None:
    base = Path(tempfile.mkdtemp())
    incremental, fresh = MemoryStore(), MemoryStore()
    world = World(base, incremental)
    try:
        for step in history:
            apply(world, step)
        world.indexer.index()
        other = World(base, fresh, name="fresh")
        other.indexer.index()
        assert {id_: point.chunk for id_, point in incremental.points.items()} == {
            id_: point.chunk for id_, point in fresh.points.items()
        }
        assert {id_: point.sparse for id_, point in incremental.points.items()} == {
            id_: point.sparse for id_, point in fresh.points.items()
        }
        for id_, point in incremental.points.items():
            expected = fresh.points[id_].dense
            assert point.dense is not None
            assert expected is not None
            assert point.dense.tobytes() == expected.tobytes()
        assert {row[:3] + row[4:] for row in world.manifest.files()} == {
            row[:3] + row[4:] for row in other.manifest.files()
        }
        other.close()
    finally:
        world.close()
        shutil.rmtree(base)


def edge_world(base: Path, name: str = "index") -> World:
    return World(base, EdgeStore(base / name, DIMENSION), name=name)


def content_of(world: World) -> tuple[dict[str, Chunk], Counts, list[str]]:
    """Return what an index holds, as far as its users can see, and close it."""
    files = [row.path for row in world.manifest.files()]
    found = world.store.chunks_of(files)
    query = world.embedder.embed_query("query")
    dense = StoreQuery(query, None, limit=10_000, filters=Filters())
    ranked = world.store.query(dense)
    scores = [f"{hit.id} {hit.score:.6f}" for hit in ranked]
    assert all(row.state == DONE for row in world.manifest.files())
    counts = world.store.counts()
    world.close()
    return found, counts, scores


def assert_like_fresh(base: Path) -> None:
    resumed = edge_world(base)
    resumed.indexer.index()
    fresh = edge_world(base, name="fresh")
    fresh.indexer.index()
    found, expected = content_of(resumed), content_of(fresh)
    assert found == expected
    assert found[1].points == found[1].dense == len(found[0])
    shutil.rmtree(base / "fresh")


def start(base: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.indexing.index_in_process", str(base), *options], cwd=PROJECT)


def grow(base: Path, files: int, generation: int) -> None:
    world = edge_world(base)
    for number in range(files):
        world.write(
            f"src/f{number}.py", source(f"f{number}_{generation if number % 3 == 0 else 0}"), age=100 - generation
        )
    world.close()


def test_killed_at_any_moment_it_resumes(tmp_path: Path) -> None:
    chance = random.Random(7)
    for kill in range(KILLS):
        grow(tmp_path, 60, kill)
        (tmp_path / "tree" / f"src/f{kill + 1}.py").unlink(missing_ok=True)
        process = start(tmp_path, "--delay", "0.002")
        while not (tmp_path / "started").exists():
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.7))
        process.send_signal(signal.SIGKILL)
        process.wait()
        (tmp_path / "started").unlink()
        if kill % 2:
            assert_like_fresh(tmp_path)
    assert_like_fresh(tmp_path)


def test_processes_that_index_together(tmp_path: Path) -> None:
    grow(tmp_path, 60, 0)
    processes = [start(tmp_path, "--delay", "0.002") for _ in range(3)]
    assert [process.wait() for process in processes] == [0] * 3
    assert edge_world(tmp_path).manifest.filled()
    assert_like_fresh(tmp_path)


def test_a_limit_on_file_size_is_reported_and_the_index_still_answers(tmp_path: Path) -> None:
    grow(tmp_path, 20, 0)
    assert start(tmp_path).wait() == 0
    grow(tmp_path, 60, 1)
    process = subprocess.run(
        [sys.executable, "-m", "tests.indexing.index_in_process", str(tmp_path), "--file-limit", "8192"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1, process.stderr
    assert process.stdout.split() == [IndexNotWritableError.__name__]
    world = edge_world(tmp_path)
    query = StoreQuery(world.embedder.embed_query("query"), None, limit=5)
    assert len(world.store.query(query)) == 5
    world.close()
    assert_like_fresh(tmp_path)


def test_a_full_disk_is_reported_and_the_index_still_answers(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(disk)], check=False).returncode
    ):
        pytest.skip("needs the right to mount a small file system")
    try:
        grow(disk, 20, 0)
        assert start(disk).wait() == 0
        grow(disk, 60, 1)
        world = edge_world(disk)
        query = StoreQuery(world.embedder.embed_query("query"), None, limit=5)
        assert len(world.store.query(query)) == 5  # a disk in memory gives every page that is mapped its place
        world.close()
        (disk / "ballast").write_bytes(b"\0" * (shutil.disk_usage(disk).free - ALMOST_FULL))
        world = edge_world(disk)
        with pytest.raises(IndexNotWritableError):
            world.indexer.index()
        assert len(world.store.query(query)) == 5
        world.close()
        (disk / "ballast").unlink()
        assert_like_fresh(disk)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_keys_do_not_depend_on_the_path() -> None:
    store = MemoryStore()
    base = Path(tempfile.mkdtemp())
    world = World(base, store)
    for name in ("one.py", "two/three.py"):
        world.write(name, source("same"))
    world.indexer.sync()
    keys = [vector_key(point.chunk) for point in store.points.values()]
    assert len(keys) == 2 * len(set(keys))
    world.close()
    shutil.rmtree(base)
