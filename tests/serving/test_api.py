"""The JSON API: real folders and engines behind a real application."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from schemathesis import GenerationMode
from schemathesis.openapi import from_asgi
from starlette.testclient import TestClient
from tests.small_tree import QUESTION, write_tree

from coderank.errors import CoderankError
from coderank.serving import api, gate
from coderank.serving.api.problems import STATUS
from coderank.serving.calls import Calls
from coderank.serving.kept import Kept
from coderank.serving.metrics import MeasuredWorkspace
from coderank.serving.web import application
from coderank.settings import Settings

HERE = "http://127.0.0.1:8377"
EXAMPLES = 12
"""Of each operation: about ten seconds."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredWorkspace]:
    """One server's workspace for all that do not change it: two folders."""
    base = tmp_path_factory.mktemp("api")
    first, second = write_tree(base / "app"), write_tree(base / "lib", {"zebra.py": "def zebra_crossing(): ...\n"})
    settings = Settings(data_dir=base / "data", cache_dir=base / "cache")
    workspace = MeasuredWorkspace.open([str(first), str(second)], settings)
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def client(served: MeasuredWorkspace) -> Iterator[TestClient]:
    with TestClient(application(served, Calls(served.gate)), base_url=HERE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def fresh(repo: Path, settings: Settings) -> Iterator[MeasuredWorkspace]:
    workspace = MeasuredWorkspace.open([str(repo)], settings)
    yield workspace
    workspace.close()


def asked(client: TestClient, address: str, **fields: Any) -> Any:
    response = client.post(address, json=fields)
    assert response.status_code == 200, response.text
    return response.json()


def refused(client: TestClient, path: str, body: Any, status: int) -> dict[str, Any]:
    response = client.post(path, content=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=JSON)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    return problem


JSON = {"Content-Type": "application/json"}


def test_a_search_answers_as_the_command_line_does_and_says_how_fresh_it_is(client: TestClient) -> None:
    found = asked(client, "/v1/search", query=QUESTION, limit=1)
    assert found["query"] == QUESTION
    hit = found["results"][0]
    assert hit["path"] == "src/ring.py"
    assert hit["root"].endswith("/app")
    assert {"start_line", "end_line", "language", "symbol", "score", "content"} < set(hit)
    assert len(found["results"]) == 1
    assert {stage["name"] for stage in found["stages"]} >= {"retrieve"}
    assert found["index"]["chunks"] > 0
    assert found["freshness"] == [
        {"collection": "app", "current": True, "detail": ""},
        {"collection": "lib", "current": True, "detail": ""},
    ]


def test_what_changes_between_search_and_answer_is_never_given_stale(
    fresh: MeasuredWorkspace, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, before = repo / "src" / "login.py", (repo / "src" / "login.py").read_text()
    real = Kept.texts

    def changing(kept: Kept, paths: Iterable[str]) -> object:
        login.write_text("# moved down\n" + before.replace("user.hash ==", "secure_compare(user.hash,"))
        (repo / "src" / "ring.py").write_text("# moved down\n" + ring)
        (repo / "docs" / "guide.md").unlink(missing_ok=True)
        return real(kept, paths)

    ring = (repo / "src" / "ring.py").read_text()
    with TestClient(application(fresh, Calls(fresh.gate)), base_url=HERE) as client:
        still = asked(client, "/v1/search", query="compare a password")
        assert {hit["standing"] for hit in still["results"]} == {"current"}
        assert still["gone"] == 0
        monkeypatch.setattr(Kept, "texts", changing)
        found = asked(client, "/v1/search", query="compare a password")
    hits = {hit["path"]: hit for hit in found["results"]}
    assert hits["src/login.py"]["standing"] == "changed"
    assert "secure_compare" in hits["src/login.py"]["content"]
    assert hits["src/ring.py"]["standing"] == "moved"
    assert hits["src/ring.py"]["content"].split("\n")[0] == ring.split("\n")[hits["src/ring.py"]["start_line"] - 2]
    assert "user.hash ==" not in json.dumps(found)
    assert found["gone"] == len(still["results"]) - len(found["results"]) > 0


def test_a_search_is_restricted_by_collection_language_and_path(client: TestClient) -> None:
    assert {hit["path"] for hit in asked(client, "/v1/search", query="zebra", collection="lib")["results"]} == {
        "zebra.py"
    }
    found = asked(client, "/v1/search", query="password", languages=["markdown"], paths=["docs/**"])
    assert {hit["path"] for hit in found["results"]} == {"docs/guide.md"}


def test_reranking_without_a_reranker_is_a_conflict_not_another_order(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.loading.rerankers.CROSS_ENCODERS", ())
    assert refused(client, "/v1/search", {"query": QUESTION, "enable_reranking": True}, 409)["remedy"]


def test_related_code_is_found_from_a_place(client: TestClient) -> None:
    found = asked(client, "/v1/related", path="src/login.py", line=1, collection="app")
    assert "src/login.py" not in {hit["path"] for hit in found["results"]}
    assert found["results"]
    assert "src/login.py" in refused(client, "/v1/related", {"path": "src/login.py", "line": 99}, 404)["detail"]


def test_what_is_served_and_how_it_stands(client: TestClient, served: MeasuredWorkspace) -> None:
    asked(client, "/v1/search", query=QUESTION)
    collections = client.get("/v1/collections").json()["collections"]
    assert [(one["name"], one["kind"]) for one in collections] == [("app", "folder"), ("lib", "folder")]
    [state] = client.get("/v1/status", params={"collection": "app"}).json()["collections"]
    assert state["index"]["files"] == 3
    assert state["index"]["languages"]["python"] >= 2
    assert state["problem"] == ""
    assert len(client.get("/v1/status").json()["collections"]) == 2
    assert client.get("/v1/status", params={"collection": "nope"}).status_code == 404
    assert served.gate.in_flight == 0


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 400, "cannot be read"),
        (b"\xff", 400, "cannot be read"),
        ({}, 400, "`query`"),
        ({"query": ""}, 400, "$.query"),
        ({"query": " \n"}, 400, "$.query"),
        ({"query": "x" * 10_001}, 400, "$.query"),
        ({"query": "x", "limit": 0}, 400, "$.limit"),
        ({"query": "x", "limit": 101}, 400, "$.limit"),
        ({"query": "x", "limit": "10"}, 400, "$.limit"),
        ({"query": "x", "rerank": True}, 400, "`rerank`"),
        ({"query": "x", "languages": ["klingon"]}, 400, "klingon"),
        ({"query": "x", "languages": ["x" * 256]}, 400, "$.languages"),
        ({"query": "x", "paths": ["!"]}, 400, "glob"),
        ({"query": "x", "paths": ["x" * 501]}, 400, "$.paths"),
        ({"query": "x", "paths": ["*" * 400 + "a*" * 7]}, 400, "wildcards"),
        ({"query": "x", "collection": "ap"}, 404, "'ap'"),
        ({"query": "x", "collection": ""}, 404, "''"),
        (["x"], 400, "array"),
    ],
)
def test_a_bad_request_is_refused_by_name(client: TestClient, body: Any, status: int, named: str) -> None:
    assert named in refused(client, "/v1/search", body, status)["detail"]


def test_what_the_router_refuses_is_a_problem_too(client: TestClient) -> None:
    for response, status in (
        (client.get("/v1/nothing"), 404),
        (client.get("/v1/search"), 405),
        (client.post("/v1/search", content=b"query=x"), 415),
        (client.get("/v1/collections", params={"x": "1"}), 400),
        (client.get("/v1/status?collection=app&collection=lib"), 400),
        (client.get("/v1/status?collection="), 404),
        (client.post("/v1/search", params={"x": "1"}, json={"query": "x"}), 400),
    ):
        assert response.status_code == status
        assert response.json()["status"] == status
    assert client.get("/v1/search").headers["allow"] == "POST"


def test_every_error_has_a_status() -> None:
    for kind, status in STATUS:
        assert issubclass(kind, CoderankError)
        assert 400 <= status < 600
    assert STATUS[-1][0] is CoderankError  # none is left over
    for place, (kind, _) in enumerate(STATUS):
        assert not any(issubclass(kind, earlier) for earlier, _ in STATUS[:place]), f"{kind.__name__} is never reached"


def test_a_full_server_turns_requests_away_at_once_with_the_time_to_come_back(
    fresh: MeasuredWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [fresh.gate.enter() for _ in range(gate.IN_FLIGHT)]
    with TestClient(application(fresh, Calls(fresh.gate)), base_url=HERE) as client:
        response = client.post("/v1/search", json={"query": QUESTION})
        assert response.status_code == 503
        assert response.headers["retry-after"] == str(gate.RETRY_AFTER_S)
        assert "128" in response.json()["detail"]
        assert client.get("/health").json()["in_flight"] == 128  # not among those who wait
        assert "coderank_requests_shed_total 1.0" in client.get("/metrics").text
        for ticket in tickets:
            ticket.leave()
        assert client.post("/v1/search", json={"query": QUESTION}).status_code == 200


def test_health_says_whether_everything_was_indexed_once_and_opens_nothing(fresh: MeasuredWorkspace) -> None:
    with TestClient(application(fresh, Calls(fresh.gate)), base_url=HERE) as client:
        before = client.get("/health")
        assert before.status_code == 503
        assert before.json()["ready"] is False
        assert before.json()["collections"] == [
            {"collection": "repo", "open": False, "indexing": False, "chunks": None, "dense_coverage": None}
        ]
        asked(client, "/v1/search", query=QUESTION)
        after = client.get("/health")
        assert after.status_code == 200
        assert after.json()["ready"] is True
        assert after.json()["collections"][0]["chunks"] >= 3


def test_figures_count_questions_stages_and_indexes(fresh: MeasuredWorkspace, repo: Path) -> None:
    with TestClient(application(fresh, Calls(fresh.gate)), base_url=HERE) as client:
        asked(client, "/v1/search", query=QUESTION)
        client.post("/v1/search", json={"query": QUESTION, "languages": ["klingon"]})
        page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    assert page.headers["content-type"].count("charset") == 1
    figures = dict(re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", page.text, re.MULTILINE))
    assert figures['coderank_questions_total{kind="search",outcome="answered"}'] == "1.0"
    assert figures['coderank_questions_total{kind="search",outcome="InvalidQueryError"}'] == "1.0"
    assert figures['coderank_question_seconds_count{kind="search"}'] == "2.0"
    assert figures['coderank_stage_seconds_count{stage="retrieve"}'] == "1.0"
    assert float(figures['coderank_index_chunks{collection="repo"}']) >= 3
    assert figures["coderank_requests_in_flight"] == "0.0"
    assert float(figures["process_resident_memory_bytes"]) > 1e6


def test_two_servers_of_a_process_count_apart(served: MeasuredWorkspace, fresh: MeasuredWorkspace) -> None:
    from prometheus_client import REGISTRY

    assert served.metrics.registry is not fresh.metrics.registry
    assert not [metric.name for metric in REGISTRY.collect() if metric.name.startswith("coderank")]


def test_a_client_that_vanishes_frees_its_place(fresh: MeasuredWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    entered, noticed = threading.Event(), threading.Event()

    def slow(question: object, call: Any) -> None:
        entered.set()
        while not call.cancelled():
            time.sleep(0.01)
        noticed.set()
        call.check()

    monkeypatch.setattr(fresh, "search", slow)
    body = json.dumps({"query": "x"}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        while not entered.is_set():
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/search", "query_string": b"", "headers": headers}
    asyncio.run(application(fresh, Calls(fresh.gate))(scope, receive, send))
    assert noticed.wait(60)
    while fresh.gate.in_flight:
        time.sleep(0.01)


def test_the_description_names_what_is_served(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {
        "/v1/search",
        "/v1/related",
        "/v1/collections",
        "/v1/status",
        "/health",
        "/metrics",
    }
    assert all(
        {"401", "403", "421"} <= set(one["responses"]) for at in described["paths"].values() for one in at.values()
    )
    request = described["components"]["schemas"]["SearchRequest"]
    assert request["additionalProperties"] is False
    assert request["required"] == ["query"]
    assert request["properties"]["collection"]["enum"] == [None, "app", "lib"]
    assert "python" in request["properties"]["languages"]["items"]["enum"]
    assert api.__doc__


@pytest.fixture(scope="module")
def described(served: MeasuredWorkspace) -> Any:
    with TestClient(application(served, Calls(served.gate)), base_url=HERE) as client:
        asked(client, "/v1/search", query=QUESTION)  # ready from here on
    return from_asgi("/openapi.json", application(served, Calls(served.gate)), headers={"Host": "localhost"})


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", ["search", "related", "collections", "status", "health", "metrics"])
def test_requests_of_every_kind_are_answered_as_described(described: Any, operation: str, mode: GenerationMode) -> None:
    """Valid ones with results, others with the problem that the description promises; never with a surprise."""
    [found] = [one.ok() for one in described.include(operation_id=operation).get_all_operations()]
    if mode == GenerationMode.NEGATIVE and not (found.body or found.query):
        return  # nothing is sent that could be wrong

    @hypothesis.settings(max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(case=found.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate(headers={"Host": "localhost"})

    check()
