from __future__ import annotations

import logging
import multiprocessing
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from coderank.indexing.vector_cache import VectorCache, rounded

if TYPE_CHECKING:
    from coderank.types import Matrix

DIMENSION = 8


def keys(start: int, stop: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(start, stop)]


def vectors(start: int, stop: int) -> Matrix:
    return np.stack([np.random.default_rng(number).standard_normal(DIMENSION) for number in range(start, stop)]).astype(
        np.float32
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "vectors.db"


def test_what_comes_back_is_the_rounded_vector(path: Path) -> None:
    cache = VectorCache(path, DIMENSION)
    cache.put(keys(0, 3), vectors(0, 3))
    cache.close()
    found = VectorCache(path, DIMENSION).get(keys(0, 5))
    assert list(found) == keys(0, 3)
    np.testing.assert_array_equal(np.stack(list(found.values())), rounded(vectors(0, 3)))
    assert found[keys(0, 1)[0]].dtype == np.float32


def test_rounding_twice_changes_nothing() -> None:
    once = rounded(vectors(0, 3))
    np.testing.assert_array_equal(rounded(once), once)


def test_nothing_is_opened_before_it_is_needed(path: Path) -> None:
    cache = VectorCache(path, DIMENSION)
    assert cache.get([]) == {}
    assert not path.exists()


def test_more_keys_than_one_statement_takes(path: Path) -> None:
    cache = VectorCache(path, DIMENSION)
    cache.put(keys(0, 1200), vectors(0, 1200))
    assert len(cache.get(keys(0, 1300))) == 1200


def test_a_known_key_keeps_its_vector(path: Path) -> None:
    cache = VectorCache(path, DIMENSION)
    cache.put(keys(0, 1), vectors(0, 1))
    cache.put(keys(0, 1), vectors(1, 2))
    np.testing.assert_array_equal(cache.get(keys(0, 1))[keys(0, 1)[0]], rounded(vectors(0, 1))[0])


def test_the_oldest_go_when_it_is_full(path: Path) -> None:
    cache = VectorCache(path, DIMENSION, max_bytes=100 * (2 * DIMENSION + 100))
    for start in range(0, 500, 10):
        cache.put(keys(start, start + 10), vectors(start, start + 10))
    kept = cache.get(keys(0, 500))
    assert 80 <= len(kept) <= 100
    assert list(kept) == keys(500 - len(kept), 500)


def test_vectors_of_another_length_are_not_found(path: Path) -> None:
    VectorCache(path, DIMENSION).put(keys(0, 1), vectors(0, 1))
    assert VectorCache(path, DIMENSION * 2).get(keys(0, 1)) == {}


def test_a_damaged_file_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 100)
    cache = VectorCache(path, DIMENSION)
    assert cache.get(keys(0, 1)) == {}
    cache.put(keys(0, 1), vectors(0, 1))
    assert len(VectorCache(path, DIMENSION).get(keys(0, 1))) == 1
    aside = [found for found in path.parent.iterdir() if "damaged" in found.name]
    assert [found.read_bytes()[:22] for found in aside] == [b"this is not a database"]
    assert "damaged" in caplog.text


def test_another_format_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    VectorCache(path, DIMENSION).put(keys(0, 1), vectors(0, 1))
    assert "format 7" in caplog.text
    assert len(VectorCache(path, DIMENSION).get(keys(0, 1))) == 1


def test_without_a_file_it_lives_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    cache = VectorCache(tmp_path / "file" / "vectors.db", DIMENSION)
    with caplog.at_level(logging.WARNING):
        cache.put(keys(0, 2), vectors(0, 2))
    assert len(cache.get(keys(0, 3))) == 2
    assert len(caplog.records) == 1


def fill_part(path: Path, start: int) -> None:
    cache = VectorCache(path, DIMENSION)
    for number in range(start, start + 100, 10):
        cache.put(keys(number, number + 10), vectors(number, number + 10))
        cache.get(keys(0, 400))


def test_processes_share_it(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill_part, args=(path, 50 * part)) for part in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(VectorCache(path, DIMENSION).get(keys(0, 400))) == 250
