from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_graph import table, write_lookup

from coderank.embedding.onnx import OnnxEmbedder
from coderank.embedding.probes import QUERIES, documents, embed_probes, min_cosine
from coderank.embedding.tokenizer import encode, load_tokenizer
from coderank.errors import ModelError
from coderank.models.catalogue import get

TINY = replace(get("all-minilm-l6-v2"), name="tiny", dimension=8, query_prefix="find: ", max_tokens=512)


def tiny(folder: Path, name: str = "tiny", vectors: np.ndarray | None = None, **changes: Any) -> OnnxEmbedder:
    path = write_lookup(folder / f"{name}.onnx", table(8) if vectors is None else vectors)
    return OnnxEmbedder(replace(TINY, **changes), path)


def test_a_model_agrees_with_itself(tmp_path: Path) -> None:
    found = embed_probes(tiny(tmp_path))
    assert min_cosine(found, found) == pytest.approx(1.0)
    assert len(found) == len(QUERIES) + len(documents())


@pytest.mark.parametrize(
    "changes",
    [{"pooling": "cls"}, {"pooling": "last"}, {"max_tokens": 256}, {"query_prefix": "search_query: "}],
    ids=str,
)
def test_another_pooling_length_or_prefix_is_seen(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert min_cosine(embed_probes(tiny(tmp_path, **changes)), embed_probes(tiny(tmp_path))) < 0.999


def test_the_worst_probe_counts(tmp_path: Path) -> None:
    """One word of the vocabulary turned around touches few probes."""
    turned = table(8)
    turned[encode(load_tokenizer(8), ["sql"], 8)[0][1]] *= -50
    turned[encode(load_tokenizer(8), ["installation"], 8)[0][1]] *= -50
    assert min_cosine(embed_probes(tiny(tmp_path, "turned", turned)), embed_probes(tiny(tmp_path))) < 0.9


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    short = tiny(tmp_path, "short", table(5), dimension=5)
    with pytest.raises(ModelError, match="5 numbers cannot be compared with 8"):
        min_cosine(embed_probes(short), embed_probes(tiny(tmp_path)))


def test_probes_are_the_same_every_time_and_pass_512_tokens() -> None:
    assert documents() == documents()
    assert max(map(len, encode(load_tokenizer(4096), documents(), 4096))) > 900
