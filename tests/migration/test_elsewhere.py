"""Vectors made on one machine are loaded on another."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.indexing.indexing_world import HashEmbedder

from coderank.errors import UsageError
from coderank.migration.contract import Moving
from coderank.migration.elsewhere import PART, Input, embed
from coderank.migration.exports import read_lines
from coderank.migration.journal import Kind
from coderank.migration.parquet import Header, Reader
from coderank.migration.text import FieldTexts
from coderank.migration.vectors import Embedding
from coderank.store.adopt import Fields
from coderank.store.raw import RawPoint

HEADER = Header(Kind("hash", "1", 16), {"": 16})
POINTS = [RawPoint(number, {"text": f"text {number}"}, {}) for number in range(2 * PART + 10)]


def given(embedder: HashEmbedder, points: list[RawPoint] = POINTS) -> Input:
    def pages() -> Iterator[list[RawPoint]]:
        yield from (points[start : start + 1000] for start in range(0, len(points), 1000))

    return Input("kit", pages, Embedding(FieldTexts(Fields(("text",))), lambda: embedder, 16))


class DyingEmbedder(HashEmbedder):
    """Is gone after some texts, as a machine that is switched off."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def embed_documents(self, texts):  # type: ignore[no-untyped-def]
        if len(self.texts) >= self._after:
            raise KeyboardInterrupt
        return super().embed_documents(texts)


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    file = tmp_path / "kit.parquet"
    with pytest.raises(KeyboardInterrupt):
        embed([given(DyingEmbedder(PART + 300))], file, HEADER)
    assert not file.exists()
    second = HashEmbedder()
    report = embed([given(second)], file, HEADER)
    assert (report.points, report.embedded, len(second.texts)) == (len(POINTS), PART + 10, PART + 10)
    assert [path.name for path in tmp_path.iterdir()] == ["kit.parquet"]
    with closing(Reader(file)) as reader:
        reader.check()
        found = [point for _, page in reader.pages() for point in page]
    assert [point.id for point in found] == [point.id for point in POINTS]
    assert all("" in point.vectors for point in found)


def test_what_was_exported_anew_meanwhile_is_embedded_anew(tmp_path: Path) -> None:
    file = tmp_path / "kit.parquet"
    with pytest.raises(KeyboardInterrupt):
        embed([given(DyingEmbedder(PART + 300))], file, HEADER)
    changed = [RawPoint(point.id, {"text": f"new {point.id}"}, {}) for point in POINTS[:5]]
    told: list[Moving] = []
    second = HashEmbedder()
    report = embed([given(second, [*changed, *POINTS[5:]])], file, HEADER, told.append)
    assert report.embedded == PART + 10 + 5
    assert {f"new {number}" for number in range(5)} <= set(second.texts)
    assert (told[-1].done, told[-1].total) == (len(POINTS), len(POINTS))
    with closing(Reader(file)) as reader:
        found = {point.id: point.payload["text"] for _, page in reader.pages() for point in page}
        assert (reader.sum.points, found[0], found[5]) == (len(POINTS), "new 0", "text 5")


def test_parts_of_another_model_are_not_mixed_in(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        embed([given(DyingEmbedder(PART + 300))], tmp_path / "kit.parquet", HEADER)
    with pytest.raises(UsageError, match="another model"):
        embed([given(HashEmbedder())], tmp_path / "kit.parquet", Header(Kind("other", "1", 16), {"": 16}))


def test_points_without_a_vector_are_named(tmp_path: Path) -> None:
    points = [*POINTS[:3], RawPoint("x", {"note": 1}, {})]
    report = embed([given(HashEmbedder(refuse="text 1"), points)], tmp_path / "kit.parquet", HEADER)
    assert (report.points, report.embedded) == (4, 2)
    assert report.without == ("kit/1: cannot embed text 1", "kit/x: there is no text in text")


def test_a_line_that_is_no_point_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1, "payload": {}}\n\n{"id": 2}\n'))
    with pytest.raises(UsageError, match=r"x\.jsonl\.gz:3 is no point"):
        list(read_lines(tmp_path / "x.jsonl.gz"))
