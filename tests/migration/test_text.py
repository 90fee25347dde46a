"""What a model reads of points whose payload has no text: the file, if it says what was indexed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.migration.moving_world import World, world

from coderank.migration.text import ChunkTexts, NoTextError
from coderank.store.raw import RawPoint


@pytest.fixture
def app(tmp_path: Path) -> World:
    return world(tmp_path)


def without_text(app: World) -> list[tuple[RawPoint, RawPoint]]:
    """Every point as it is, and without its content."""
    with app.engine() as engine:
        whole = [point for page in engine.points().pages(vectors=False) for point in page]
    bare = [{key: value for key, value in point.payload.items() if key != "content"} for point in whole]
    return [(point, RawPoint(point.id, payload, {})) for point, payload in zip(whole, bare, strict=True)]


def test_the_text_of_a_chunk_is_read_from_its_file(app: World) -> None:
    texts = ChunkTexts(lambda path: (app.root / path).read_text("utf-8"))
    pairs = without_text(app)
    assert pairs
    for whole, bare in pairs:
        assert "content" in whole.payload
        assert texts.of(bare) == texts.of(whole)


def test_a_file_that_says_something_else_now_is_not_read(app: World) -> None:
    whole, bare = without_text(app)[0]
    place = app.root / whole.payload["path"]
    place.write_text("# a line before\n" + place.read_text("utf-8"), "utf-8")
    with pytest.raises(NoTextError, match=f"{place.name}:.* changed since it was indexed"):
        ChunkTexts(lambda path: (app.root / path).read_text("utf-8")).of(bare)


def test_a_point_without_text_and_file_or_place_says_so(app: World) -> None:
    whole, bare = without_text(app)[0]
    with pytest.raises(NoTextError, match=f"no content, and {whole.payload['path']} cannot be read"):
        ChunkTexts().of(bare)
    with pytest.raises(NoTextError, match="neither text nor place"):
        ChunkTexts().of(RawPoint(whole.id, {"note": "mine"}, {}))
