"""A collection's configuration becomes an address, a plan and a store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.store.foreign_collections import MAKERS, TEXTS
from tests.store.qdrant_server import QdrantServer
from tests.store.store_samples import DIMENSION, corpus, unit

from coderank.collections.config import Collection, load
from coderank.errors import ConfigurationError, StoreError
from coderank.indexing.keeping import InFolder
from coderank.loading.servers import connect, open_points, open_store, plan, quantization
from coderank.settings import Settings
from coderank.store.contract import StoreQuery
from coderank.store.quantization import NONE, TURBO, Quantization
from coderank.wiring import of_collection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    made = QdrantServer(api_key="k").start()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, cache_dir=tmp_path)


def described(folder: Path, **said: object) -> Collection:
    file = folder / "collections.json"
    file.write_bytes(msgspec.json.encode({"kit": said}))
    return load(file)["kit"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, NONE),
        ({"scalar": {"enabled": True, "type": "int8", "quantile": 0.99}}, Quantization("scalar", quantile=0.99)),
        (
            {"binary": {"enabled": True, "oversampling": 3.0}, "scalar": {"enabled": True}},
            Quantization("binary", 1.0, oversampling=3.0),
        ),
        (
            {"binary": {"encoding": "one_and_half_bits", "query_encoding": "scalar8bits", "rescore": False}},
            Quantization("binary", 1.5, query_encoding="scalar8bits", oversampling=3.0, rescore=False),
        ),
        ({"binary": {"enabled": False}, "turbo": {"bits": "bits1_5"}}, Quantization("turbo", 1.5)),
    ],
)
def test_one_quantization_is_used(tmp_path: Path, said: object, expected: Quantization) -> None:
    assert quantization(described(tmp_path, quantization=said).quantization) == expected


def test_a_collection_is_planned_as_configured(tmp_path: Path) -> None:
    store = {"url": "https://q.example.com", "shard_number": 6, "replication_factor": 2, "on_disk": True}
    made = plan(described(tmp_path, sources=[{"path": "."}], store=store))
    assert (made.shard_number, made.replication_factor, made.write_consistency_factor, made.on_disk) == (
        6,
        2,
        None,
        True,
    )


def test_a_server_comes_from_the_collection_or_the_settings(tmp_path: Path, settings: Settings) -> None:
    assert connect(described(tmp_path, store={"url": "http://here:1"}), settings).url == "http://here:1"
    set_ = Settings(data_dir=tmp_path, cache_dir=tmp_path, qdrant_url="http://there:2")
    assert connect(described(tmp_path, store={}), set_).url == "http://there:2"
    with pytest.raises(ConfigurationError, match="No server is named for the collection kit"):
        connect(described(tmp_path, store={}), settings)
    with pytest.raises(ConfigurationError, match="is on no server"):
        connect(described(tmp_path, sources=[{"path": "."}]), settings)


def test_the_key_comes_from_the_variable_that_is_named(
    tmp_path: Path, server: QdrantServer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("TEAM_KEY", "k")
    store = {"url": server.url, "api_key_env": "TEAM_KEY"}
    assert not open_store(described(tmp_path, sources=[{"path": "."}], store=store), settings, DIMENSION).exists
    monkeypatch.delenv("TEAM_KEY")
    with pytest.raises(StoreError, match="refused the key"):
        assert open_store(described(tmp_path, sources=[{"path": "."}], store=store), settings, DIMENSION).exists


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setitem(sys.modules, "coderank.store.server_connection", None)
    with pytest.raises(StoreError, match=r"coderank\[server\]"):
        connect(described(tmp_path, store={"url": "http://here:1"}), settings)


def test_own_and_foreign_collections_are_told_apart(tmp_path: Path, server: QdrantServer) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=tmp_path, qdrant_api_key="k")
    own = {"url": server.url, "collection": "own"}
    writer = open_store(described(tmp_path, sources=[{"path": "."}], store=own), settings, DIMENSION)
    writer.upsert(corpus(30))
    reader = open_store(described(tmp_path, store=own), settings, DIMENSION)
    assert reader.counts() == writer.counts()
    assert len(reader.query(StoreQuery(unit(1), None, 5))) == 5

    foreign = described(tmp_path, store={"url": server.url, "collection": "theirs"})
    MAKERS["langchain"](server.local, "theirs")  # type: ignore[arg-type]
    found = open_store(foreign, settings, DIMENSION).query(StoreQuery(unit(1), None, 1))
    assert [hit.chunk.content for hit in found] == [TEXTS[1]]
    mapped = {"text": "payload.page_content", "path": "metadata.source", "start_line": "metadata.loc.lines.from"}
    named = described(tmp_path, store={"url": server.url, "collection": "theirs", "payload": mapped})
    assert open_store(named, settings, DIMENSION).query(StoreQuery(unit(1), None, 1))[0].chunk.start_line == 3
    preset = described(tmp_path, store={"url": server.url, "collection": "theirs", "payload": "llama-index"})
    with pytest.raises(StoreError, match="page_content"):
        open_store(preset, settings, DIMENSION)
    assert open_points(foreign, settings).count() == 3


def test_an_embedded_collection_is_compressed_as_configured(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    file = tmp_path / "collections.json"
    both = {"binary": {"enabled": True, "oversampling": 3.0}, "scalar": {"enabled": True}}
    sources = [{"path": "code"}]
    file.write_bytes(
        msgspec.json.encode({"kit": {"sources": sources, "quantization": both}, "plain": {"sources": sources}})
    )
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", collections_file=file)
    keepers = [of_collection(name, settings).home.keeper for name in ("kit", "plain")]
    chosen = [keeper.quantization for keeper in keepers if isinstance(keeper, InFolder)]
    assert chosen == [Quantization("binary", oversampling=3.0), TURBO]
