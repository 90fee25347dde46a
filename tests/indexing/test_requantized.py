"""Another quantization in the description reaches a collection that is on a server already."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient
from tests.indexing.indexing_world import source
from tests.store.qdrant_server import QdrantServer
from tests.tiny_model import settings_with_tiny

from coderank import Engine


def compressed(client: QdrantClient) -> dict[str, Any] | None:
    vectors = client.get_collection("app").config.params.vectors
    assert isinstance(vectors, dict)
    found = vectors["dense"].quantization_config
    return found.model_dump(mode="json", exclude_none=True) if found else None


def test_index_has_the_server_compress_the_vectors_as_described_now(
    client: QdrantClient, server: QdrantServer, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "part.py").write_text(source("part", 2))
    file = tmp_path / "collections.json"
    settings = replace(settings_with_tiny(tmp_path), collections_file=file)

    def index(quantization: dict[str, Any]) -> int:
        store = {"url": server.url, "collection": "app"}
        described = {"embedding_model": "tiny", "quantization": quantization, "store": store}
        file.write_text(json.dumps({"app": described | {"sources": [{"path": str(tmp_path / "app")}]}}))
        before = server.count("PATCH /collections/app$")
        with Engine.open_collection("app", settings=settings) as engine:
            assert engine.index().chunks == 2
        return server.count("PATCH /collections/app$") - before

    index({})
    assert compressed(client) is None
    scalar = {"scalar": {"enabled": True, "quantile": 0.99}}
    assert index(scalar) == 1
    assert compressed(client) == {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}}
    assert index(scalar) == 0
    assert index({}) == 0, "a description that says nothing of it changes nothing"
    assert index({"turbo": {"enabled": True}}) == 1
    assert compressed(client) == {"turbo": {"bits": "bits4", "always_ram": True}}
    assert index({"turbo": {"enabled": False}}) == 1
    assert compressed(client) is None


def test_index_has_an_embedded_collection_compressed_as_described_now(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "part.py").write_text(source("part", 2))
    file = tmp_path / "collections.json"
    settings = replace(settings_with_tiny(tmp_path), collections_file=file)
    for quantization, kind in (({}, "turbo"), ({"scalar": {"enabled": True}}, "scalar")):
        described = {
            "embedding_model": "tiny",
            "quantization": quantization,
            "sources": [{"path": str(tmp_path / "app")}],
        }
        file.write_text(json.dumps({"app": described}))
        with Engine.open_collection("app", settings=settings) as engine:
            engine.index()
            folder = engine.index_dir
        told = json.loads((folder / "shard" / "edge_config.json").read_text())
        assert list(told["vectors"]["dense"]["quantization_config"]) == [kind]
