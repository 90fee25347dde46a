"""The file in which points travel."""

from __future__ import annotations

import importlib
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from coderank.errors import IndexCorruptError, UsageError
from coderank.migration.journal import Kind
from coderank.migration.parquet import Header, Reader, writing
from coderank.store.raw import RawPoint

HEADER = Header(Kind("m", "1", 4), {"": 4, "image": 2}, "find: ")
POINTS = [
    RawPoint(7, {"text": "größe", "deep": {"list": [1, None, 2.5, True]}}, {"": np.arange(4, dtype=np.float32)}),
    RawPoint("0f0e0d0c-0000-0000-0000-000000000001", {}, {"image": np.ones(2, np.float32)}),
    RawPoint("0f0e0d0c-0000-0000-0000-000000000002", {"x": 1}, {}),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "points.parquet"
    with writing(made, HEADER) as writer:
        writer.write("a", POINTS)
        writer.write("b", POINTS[:1])
    return made


def test_points_come_back_as_they_were(file: Path) -> None:
    with closing(Reader(file)) as reader:
        assert reader.header == HEADER
        assert reader.collections() == {"a": 3, "b": 1}
        pages = list(reader.pages())
        reader.check()
    assert [name for name, _ in pages] == ["a", "b"]
    for found, point in zip(pages[0][1], POINTS, strict=True):
        assert (found.id, found.payload) == (point.id, point.payload)
        assert found.vectors.keys() == point.vectors.keys()
        for name, vector in found.vectors.items():
            assert np.array_equal(np.asarray(vector), np.asarray(point.vectors[name]))


def test_other_programs_read_it(file: Path) -> None:
    table = pyarrow.parquet.read_table(file)
    assert table.column_names == ["collection", "id", "payload", "vector", "vector:image"]
    assert str(table.schema.field("vector").type).startswith("fixed_size_list<")
    assert table.column("vector").to_pylist()[0] == [0.0, 1.0, 2.0, 3.0]


def test_a_file_that_is_not_whole_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(file.read_bytes()[:-40])
    with pytest.raises(IndexCorruptError, match="not a whole file of points"):
        Reader(tmp_path / "cut.parquet")
    table = pyarrow.parquet.read_table(file)
    told = pyarrow.parquet.ParquetFile(file).metadata.metadata[b"coderank"]
    less = table.slice(0, 2).replace_schema_metadata({b"coderank": told})
    pyarrow.parquet.write_table(less, tmp_path / "less.parquet")
    with (
        closing(Reader(tmp_path / "less.parquet")) as reader,
        pytest.raises(IndexCorruptError, match="2 points are not"),
    ):
        reader.check()
    renamed = table.set_column(0, "collection", pyarrow.array(["b", "a", "a", "a"]))
    pyarrow.parquet.write_table(renamed.replace_schema_metadata({b"coderank": told}), tmp_path / "renamed.parquet")
    with closing(Reader(tmp_path / "renamed.parquet")) as reader, pytest.raises(IndexCorruptError, match="damaged"):
        reader.check()
    pyarrow.parquet.write_table(table.replace_schema_metadata({}), tmp_path / "foreign.parquet")
    with pytest.raises(IndexCorruptError):
        Reader(tmp_path / "foreign.parquet")


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing(tmp_path / "x.parquet", HEADER) as writer:
            writer.write("a", POINTS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "coderank.migration.parquet")
    with pytest.raises(UsageError, match=r"coderank\[parquet\]"):
        importlib.import_module("coderank.migration.parquet")
