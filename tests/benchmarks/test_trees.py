"""Trees and vectors made for measuring."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from benchmarks.parts import MODEL, normalised

from benchmarks import trees
from coderank import Engine
from coderank.evaluation.growth import renamed
from coderank.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_small_files_are_distinct_valid_python(tmp_path: Path) -> None:
    trees.small_files(tmp_path, 120)
    files = sorted(tmp_path.rglob("*.py"))
    texts = {file.read_text() for file in files}
    assert len(files) == len(texts) == 120
    assert {file.parent.name for file in files} == {"part_000", "part_001"}
    for text in texts:
        ast.parse(text)


def test_a_copy_renames_a_share_of_the_long_names_consistently() -> None:
    text = " ".join(f"function_{letter}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz") + " if x"
    found = renamed(f"{text} {text}", 1).split()
    assert found[:28] == found[28:]
    changed = sum(name.endswith("Variant1") for name in found[:28])
    assert 0 < changed < 26
    assert found[26:28] == ["if", "x"]
    assert renamed(text, 1) != renamed(text, 2)


def test_copies_keep_bytes_in_the_first_round_and_go_on_without_end(tmp_path: Path) -> None:
    source = tmp_path / "repositories" / "one"
    source.mkdir(parents=True)
    (source / "a.py").write_bytes(b"def \xff_something_long(): pass\n")
    made = list(islice(trees.copies(tmp_path / "repositories", tmp_path / "tree"), 3))
    assert [folder.parent.name for folder in made] == ["round_0", "round_1", "round_2"]
    assert (made[0] / "a.py").read_bytes() == b"def \xff_something_long(): pass\n"


def test_no_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no repository"):
        next(trees.copies(tmp_path, tmp_path / "tree"))


def test_vectors_given_by_hand_fill_an_index(tmp_path: Path) -> None:
    trees.small_files(tmp_path / "tree", 5)
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")
    real = normalised(np.random.default_rng(1).standard_normal((3, MODEL.dimension)).astype(np.float32))
    with Engine.open(tmp_path / "tree", settings=settings) as engine:
        chunks = engine.sync().chunks
        engine.close()
        assert trees.give_vectors(engine.index_dir, real) == chunks
        report = engine.index()
        assert (report.embedded_chunks, report.dense_coverage) == (0, 1.0)
