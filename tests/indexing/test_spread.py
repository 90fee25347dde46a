"""Embedding on a Ray cluster: a local one here. Skipped where Ray is not installed, as in CI."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, chunk, id_of, unit

from coderank.errors import ModelError, UsageError
from coderank.indexing.spread import INSTALL, Job, _Embedding, _Missing, _Writing, exports, points_of, spread
from coderank.store.address import Address
from coderank.store.contract import Counts, StoreQuery
from coderank.store.payload import to_payload
from coderank.store.server import ServerStore
from coderank.store.server_connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coderank.types import Matrix, Vector

NAME = "spread"
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")


class Seeded:
    """An embedder whose vectors follow from the text; refuses texts that say so."""

    name = "seeded"
    dimension = DIMENSION

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed_documents([text])[0]
        return vector

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        if any("refuse me" in text for text in texts):
            raise ModelError("a text was refused")
        return np.stack([unit(len(text) * 31 + ord(text[-1])) for text in texts])


def opened_store(url: str) -> ServerStore:
    return ServerStore(Connection(Address(url)), NAME, DIMENSION)


class Opening:
    """Opens the store of a server; sent to other processes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self) -> ServerStore:
        return opened_store(self._url)


def export(file: Path, numbers: range, content: Callable[[int], str] = lambda number: f"def f{number}(): ...") -> str:
    lines = [
        json.dumps({"id": id_of(number), "payload": {**to_payload(chunk(number)), "content": content(number)}})
        for number in numbers
    ]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


@needs_ray
@pytest.mark.filterwarnings("ignore")  # Ray warns of its own settings
def test_chunks_are_embedded_and_written_once(server: QdrantServer, tmp_path: Path) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    first = export(tmp_path / "a.jsonl", range(1, 301))
    second = export(tmp_path / "b.jsonl", range(301, 601), lambda n: "refuse me" if n == 400 else f"def g{n}(): ...")
    job = Job((first,), Opening(server.url), Seeded)
    begun = spread(job)
    assert (begun.written, begun.refused, begun.counts) == (300, 0, Counts(300, 300))
    again = spread(Job((first, second), Opening(server.url), Seeded, embedders=2))
    assert (again.written, again.refused, again.counts) == (300, 1, Counts(600, 599))
    export(tmp_path / "a.jsonl", range(1, 301), lambda n: f"def f{n}(): {'changed' if n == 7 else '...'}")
    assert spread(job).written == 1, "what is there is not embedded again"
    store = opened_store(server.url)
    (hit,) = store.query(StoreQuery(unit(len("src/a.py\ndef g599(): ...") * 31 + ord(".")), None, 1))
    assert hit.score == pytest.approx(1.0, abs=2e-3)
    assert store.retrieve([id_of(7)])[id_of(7)].content == "def f7(): changed"
    store.close()


def test_an_id_that_is_there_twice_is_written_once(server: QdrantServer, tmp_path: Path) -> None:
    job = Job((), Opening(server.url), Seeded)
    job.open_store().prepare()
    assert server.count(f"PUT /collections/{NAME}$") == 1
    numbers = (1, 2, 1, 3)
    lines = [
        Path(export(tmp_path / f"{at}.jsonl", range(n, n + 1))).read_text().strip() for at, n in enumerate(numbers)
    ]
    changed = lines[2].replace("def f1(): ...", "def f1(): changed")
    lacking = _Missing(job)({"text": np.array([*lines[:2], changed, lines[3]], object)})
    assert sorted(lacking["text"]) == sorted([changed, lines[1], lines[3]])
    twice = {"text": np.concatenate([lacking["text"], lacking["text"][:2]])}  # Ray puts batches together anew
    embedded = _Embedding(job)(twice)
    assert (len(embedded["text"]), embedded["vector"].shape) == (3, (3, DIMENSION))
    again = {name: np.concatenate([column, column[:1]]) for name, column in embedded.items()}
    done = _Writing(job)(again)
    assert (done["written"].tolist(), done["refused"].tolist()) == ([3], [0])
    assert server.count(f"PUT /collections/{NAME}$") == 1, "it was made before"
    store = opened_store(server.url)
    assert store.retrieve([id_of(1)])[id_of(1)].content == "def f1(): changed"
    assert store.counts() == Counts(3, 3)
    store.close()


def test_a_line_that_is_no_chunk_is_named() -> None:
    with pytest.raises(UsageError, match="'nonsense' is no point"):
        points_of(["nonsense"])


def test_only_exports_in_lines_are_taken(tmp_path: Path) -> None:
    (file,) = exports([tmp_path / "a.jsonl.gz"])
    assert file == str(tmp_path / "a.jsonl.gz")
    with pytest.raises(UsageError, match="no export in lines"):
        exports([tmp_path / "a.parquet"])


def test_a_missing_ray_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as caught:
        spread(Job((), lambda: opened_store(""), Seeded))
    assert caught.value.remedy == INSTALL
