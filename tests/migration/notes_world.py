"""A collection on a server that another program writes: ``notes``, of a tiny model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from qdrant_client import QdrantClient, models
from tests.tiny_model import settings_with_tiny

from coderank.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.store.qdrant_server import QdrantServer

TEXTS = {f"note {number}": f"def part_{number}(value):\n    return value + {number}" for number in range(20)}


def described(server: QdrantServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Describe ``notes`` in a file of collections, and name that and the tiny models in the environment."""
    tiny = settings_with_tiny(tmp_path, "small")
    notes = {
        "notes": {"embedding_model": "small", "embedding_dimension": 16, "store": {"url": server.url, "vector": ""}}
    }
    file = tmp_path / "collections.json"
    file.write_text(json.dumps(notes))
    for name, value in (("COLLECTIONS_FILE", file), ("MODELS_FILE", tiny.models_file), ("DATA_DIR", tiny.data_dir)):
        monkeypatch.setenv(f"CODERANK_{name}", str(value))
    monkeypatch.setenv("CODERANK_CACHE_DIR", str(tiny.cache_dir))
    return Settings.from_environment()


def payload(name: str) -> dict[str, Any]:
    return {"page_content": TEXTS[name], "metadata": {"source": f"{name}.py", "of": [1, None, {"x": 2.5}]}}


def write(client: QdrantClient, collection: str) -> None:
    """As LangChain does: one unnamed vector, and payloads of its own."""
    client.create_collection(collection, models.VectorParams(size=16, distance=models.Distance.COSINE))
    vectors = np.random.default_rng(7).standard_normal((len(TEXTS), 16))
    points = [
        models.PointStruct(id=at + 1, vector=vectors[at].tolist(), payload=payload(name))
        for at, name in enumerate(TEXTS)
    ]
    client.upsert(collection, points)


def contents(client: QdrantClient, collection: str) -> dict[Any, Any]:
    records, _ = client.scroll(collection, limit=100, with_payload=True)
    return {record.id: record.payload for record in records}


def size(client: QdrantClient, collection: str) -> int:
    params = client.get_collection(collection).config.params.vectors
    assert isinstance(params, models.VectorParams)
    return params.size


def names(client: QdrantClient) -> list[str]:
    return sorted(one.name for one in client.get_collections().collections)


def aliases(client: QdrantClient) -> dict[str, str]:
    return {one.alias_name: one.collection_name for one in client.get_aliases().aliases}
