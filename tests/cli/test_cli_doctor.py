"""``coderank doctor`` asks the servers that collections are on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.store.grpc_front import GrpcFront
from tests.store.qdrant_server import QdrantServer

from coderank.cli.examination import Finding, examine
from coderank.settings import Settings


def servers(tmp_path: Path, described: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    file = tmp_path / "collections.json"
    file.write_text(json.dumps(described))
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", collections_file=file)
    for check in ("_self_test", "_rerankers", "_shipped", "_model"):
        monkeypatch.setattr(f"coderank.cli.examination.{check}", lambda *_: Finding("other", "ok", ""))
    return [one for one in examine(settings, "auto") if one.name in {"server", "collections"}]


def test_each_server_is_asked_once_and_told_with_how_it_answers(
    tmp_path: Path, server: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = GrpcFront(server).start()
    rest = {"store": {"url": server.url}}
    fast = {"store": {"url": server.url, "prefer_grpc": True, "grpc_port": front.port}}
    slow = {"store": {"url": server.url, "prefer_grpc": True, "grpc_port": 1}}
    found = servers(tmp_path, {"a": rest, "b": rest, "c": fast, "d": slow, "e": {}}, monkeypatch)
    assert [one.status for one in found] == ["ok", "ok", "warn"]
    for one, transport in zip(found, ("REST", "gRPC", "REST"), strict=True):
        assert one.detail.startswith(f"{server.url} is Qdrant 1.20, answers by {transport} in ")
    assert "store.grpc_port of d" in found[2].remedy
    front.stop()


def test_what_is_wrong_with_a_server_is_said_with_its_remedy(
    tmp_path: Path, server: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api_key = "k"
    described = {"locked": {"store": {"url": server.url}}, "away": {"store": {"url": "http://127.0.0.1:1"}}}
    locked, away = servers(tmp_path, described, monkeypatch)
    assert (locked.status, away.status) == ("fail", "fail")
    assert "locked: " in locked.detail
    assert "refused the key" in locked.detail
    assert "QDRANT_API_KEY" in locked.remedy
    assert "No Qdrant server answers" in away.detail


def test_a_file_of_collections_that_cannot_be_read_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = servers(tmp_path, {"a": {"stroe": {}}}, monkeypatch)
    assert (found.name, found.status) == ("collections", "fail")
    assert "stroe" in found.detail
