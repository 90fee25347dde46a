"""An index is made of a file of points, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.migration.moving_world import QUESTION, World, world

from coderank.errors import IndexNotFoundError, UsageError
from coderank.indexing.unstored import points_of
from coderank.loading.choice import embedder
from coderank.loading.opened import opened_embedder
from coderank.migration.contract import Moving
from coderank.migration.elsewhere import Input, embed
from coderank.migration.parquet import Header
from coderank.migration.text import ChunkTexts
from coderank.migration.vectors import Embedding
from coderank.moving.creation import create, is_missing
from coderank.moving.move import kind_of


@pytest.fixture
def app(tmp_path: Path) -> World:
    made = world(tmp_path)
    model = embedder("tiny", made.settings)
    texts = Embedding(ChunkTexts(), lambda: opened_embedder(model, made.settings), model.dimension)
    with made.engine() as engine:
        pages = Input("app", lambda: points_of(engine.home.tree), texts)
        embed([pages], tmp_path / "app.parquet", Header(kind_of(model), {"": model.dimension}))
    return made


def test_an_interrupted_run_leaves_nothing_that_is_searched(app: World, tmp_path: Path) -> None:
    def stop(_: Moving) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "index"
    with app.beside(folder) as engine:
        assert is_missing(engine)
        with pytest.raises(KeyboardInterrupt):
            create(engine, tmp_path / "app.parquet", "app", "tiny", stop)
        assert is_missing(engine)
        with pytest.raises(IndexNotFoundError):
            engine.search(QUESTION)
        count = create(engine, tmp_path / "app.parquet", "app", "tiny").points
        assert not is_missing(engine)
    with app.beside(folder) as engine:
        found = engine.search(QUESTION)
        assert (found[0].path, found.index.model, found.index.chunks) == ("part3.py", "tiny", count)
        report = engine.index()
        assert (report.embedded_chunks, report.chunks, report.dense_coverage) == (0, count, 1.0)


def test_a_file_of_another_model_or_collection_is_refused(app: World, tmp_path: Path) -> None:
    with app.beside(tmp_path / "index") as engine:
        for collection, model, message in (
            ("other", "tiny", "no points of 'other'"),
            ("app", "small", "not with small"),
        ):
            with pytest.raises(UsageError, match=message):
                create(engine, tmp_path / "app.parquet", collection, model)
        assert is_missing(engine)
