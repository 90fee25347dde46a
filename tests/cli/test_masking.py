"""A masked copy finds the code and no longer the words that were hidden; the index itself still has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from coderank import wiring
from coderank.cli.masking import masked_copy, moved
from coderank.engine import Engine
from coderank.errors import IndexNotFoundError
from coderank.evaluation.golden import Place
from coderank.settings import Settings

SOURCE = (
    'def drain(queue):\n    """Zeppelins take every waiting job."""\n    jobs = list(queue.jobs)\n    return jobs\n'
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", background=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "queue.py").write_text(SOURCE)
    (folder / "other.py").write_text("def fill(queue):\n    queue.jobs.append(1)\n")
    return folder


def hits(engine: Engine, query: str, mode: str = "lexical") -> list[str]:
    return [hit.path for hit in engine.search(query, mode=mode)]


def test_hidden_lines_are_not_found_in_the_copy(root: Path, settings: Settings, tmp_path: Path) -> None:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
    opening = wiring.of_path(root, "auto", None, settings)
    changed = masked_copy(opening, {"queue.py": [Place("queue.py", 2, 2)]}, tmp_path / "copy")
    assert changed == 1
    with Engine(moved(opening, tmp_path / "copy")) as copy:
        assert hits(copy, "zeppelins") == []
        assert hits(copy, "drain")[0] == "queue.py"
        masked = copy.search("drain", mode="dense")
        assert "Zeppelins" not in masked[0].content
        assert masked.index.dense_coverage == 1.0
    with Engine.open(root, settings=settings) as engine:
        assert hits(engine, "zeppelins") == ["queue.py"]
        assert engine.search("drain", mode="dense")[0].score != masked[0].score


def test_an_index_that_is_not_there_is_not_copied(root: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError):
        masked_copy(wiring.of_path(root, "auto", None, settings), {}, tmp_path / "copy")
