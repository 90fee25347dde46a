"""`coderank serve --http` as a process: both doors, many clients, more than it takes, and clients that vanish."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import anyio
import pytest
from mcp import Client
from tests.serving.serving_process import place
from tests.small_tree import QUESTION

from coderank.serving.gate import IN_FLIGHT

CLIENTS = 64
ROUNDS = 5
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S))

    def get(self, address: str, **headers: str) -> tuple[int, str]:
        with self.connect() as connection:
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def figure(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (.*)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with place(tmp_path_factory.mktemp("http")).start("--http", "127.0.0.1:0") as process:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/mcp", line)
        assert found, line
        running = Served(process, int(found[1]))
        deadline = time.monotonic() + PATIENCE_S
        while running.figure('coderank_index_dense_coverage{collection="repo"}') < 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        yield running
        process.send_signal(signal.SIGTERM)
        remarks = process.stderr.read().decode()
        assert process.wait(PATIENCE_S) == 0
        assert "Traceback" not in remarks


def search(connection: HTTPConnection, **more: Any) -> tuple[int, Any]:
    body = json.dumps({"query": QUESTION} | more)
    connection.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    assert answer.status != 503 or answer.headers["Retry-After"]
    return answer.status, content


def test_it_is_ready_and_describes_itself(served: Served) -> None:
    status, health = served.get("/health")
    assert (status, json.loads(health)["ready"]) == (200, True)
    assert json.loads(served.get("/openapi.json")[1])["openapi"] == "3.1.0"
    assert served.get("/nothing")[0] == 404
    assert json.loads(served.get("/nothing")[1])["title"] == "Not Found"


def test_both_doors_answer_and_are_counted_together(served: Served) -> None:
    counted = 'coderank_questions_total{kind="search",outcome="answered"}'
    before = served.figure(counted)
    with served.connect() as connection:
        assert search(connection)[1]["results"][0]["path"] == "src/ring.py"

    async def over_mcp() -> str:
        async with Client(f"{served.url}/mcp") as client:
            return str(await client.call_tool("search_code", {"query": QUESTION}))

    assert "src/ring.py" in anyio.run(over_mcp)
    assert served.figure(counted) == before + 2


def test_many_clients_at_once_are_all_answered(served: Served) -> None:
    def ask(_: int) -> list[tuple[int, str]]:
        with served.connect() as connection:
            found = [search(connection) for _ in range(ROUNDS)]
        return [(status, content["results"][0]["path"]) for status, content in found]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = Counter(answer for given in clients.map(ask, range(CLIENTS)) for answer in given)
    assert answers == {(200, "src/ring.py"): CLIENTS * ROUNDS}
    assert served.figure("process_resident_memory_bytes") < 1 << 30


def test_more_than_it_takes_are_turned_away_and_the_others_answered(served: Served) -> None:
    many = 3 * IN_FLIGHT
    before = served.figure("coderank_requests_shed_total")

    def ask(_: int) -> int:
        with served.connect() as connection:
            return search(connection)[0]

    with ThreadPoolExecutor(many) as clients:
        answers = Counter(clients.map(ask, range(many)))
    assert set(answers) <= {200, 503}
    assert answers[200] >= IN_FLIGHT
    assert served.figure("coderank_requests_shed_total") == before + answers[503]
    assert served.figure("coderank_requests_in_flight") == 0


def test_clients_that_vanish_leave_nothing_behind(served: Served) -> None:
    body = json.dumps({"query": QUESTION}).encode()
    lines = ("POST /v1/search HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode()
    for cut in (None, -5):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", served.port)) as wire:
                wire.sendall(head + body[:cut])
    with served.connect() as connection:
        assert search(connection)[0] == 200
    deadline = time.monotonic() + PATIENCE_S
    while served.figure("coderank_requests_in_flight"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_pages_of_strangers_get_no_answer_from_the_api(served: Served) -> None:
    for headers, expected in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
        status, body = served.get("/v1/collections", **headers)
        assert status == expected
        assert json.loads(body)["status"] == expected
