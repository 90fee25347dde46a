"""Over HTTP: a real process, many official clients at once, and what strangers try."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.routing import Route
from tests.serving.serving_process import INITIALIZE, INITIALIZED, Place, place
from tests.small_tree import QUESTION, write_tree

from coderank.serving import listen
from coderank.serving.mcp import server
from coderank.serving.workspace import Workspace
from coderank.settings import Settings

TOKEN = "a-token-that-nobody-guesses"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


class Running:
    """A server that listens."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        self.process = process
        line = process.stderr.readline().decode()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.url = line.removeprefix("listening on ").strip()

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].partition("/")[0])

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, (out + err).decode()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("http"))


@pytest.fixture(scope="module")
def running(here: Place) -> Iterator[Running]:
    """One server with a token for all tests. It ends in order, and had nothing to complain of."""
    started = Running(here.start("--http", "127.0.0.1:0", CODERANK_SERVE_TOKEN=TOKEN))
    yield started
    assert started.end() == (0, "")


def authorized() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)


def test_twelve_official_clients_at_once(running: Running) -> None:
    texts: list[object] = []

    async def client(mode: str) -> None:
        async with authorized() as http:
            transport = streamable_http_client(running.url, http_client=http)
            async with Client(transport, mode=mode, read_timeout_seconds=60) as one:
                assert len((await one.list_tools()).tools) == 4
                for _ in range(3):
                    found = await one.call_tool("search_code", {"query": QUESTION, "limit": 1})
                    assert found.structured_content is not None
                    texts.append(found.structured_content["results"][0]["path"])
                wrong = await one.call_tool("find_related", {"path": "/etc/passwd", "line": 1})
                assert wrong.is_error

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(client, "legacy" if number % 2 else "auto")

    anyio.run(all_of_them)
    assert texts == ["src/ring.py"] * 36


def test_long_work_is_told_of_and_can_be_cancelled(running: Running, here: Place) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async def use() -> None:
        async with authorized() as http:
            transport = streamable_http_client(running.url, http_client=http)
            async with Client(transport, mode="legacy", read_timeout_seconds=60) as one:
                with anyio.move_on_after(30) as scope:
                    async with anyio.create_task_group() as group:
                        group.start_soon(one.call_tool, "search_code", {"query": "many"}, None, listen)
                        while len(heard) < 2:
                            await anyio.sleep(0.01)
                        group.cancel_scope.cancel()
                assert not scope.cancelled_caught
                found = await one.call_tool("list_collections", {})
                assert not found.is_error

    write_tree(here.repo, {f"many/m{n}.py": f"def many_{n}(value):\n    return value + {n}\n" for n in range(1_500)})
    anyio.run(use)
    shutil.rmtree(here.repo / "many")
    values = [progress for progress, _, _ in heard]
    assert values == sorted(values)
    assert {total for _, total, _ in heard} == {1.0}
    assert all(message and "files" in message for _, _, message in heard)


def post(running: Running, content: bytes, **headers: str) -> httpx2.Response:
    with httpx2.Client(timeout=30) as http:
        given = ACCEPT | {"Authorization": f"Bearer {TOKEN}"} | {name.title(): value for name, value in headers.items()}
        return http.post(running.url, content=content, headers=given)


def test_who_has_no_business_here_is_refused(running: Running) -> None:
    assert post(running, b"{}", authorization="Bearer wrong").status_code == 401
    assert post(running, b"{}", host="evil.example").status_code == 421
    assert post(running, b"{}", origin="http://evil.example").status_code == 403
    assert post(running, b"x" * (1 << 20) + b"x").status_code == 413
    assert post(running, b"{", content_length="9999999999999999999999").status_code in {400, 413}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_official_client_shows_why_it_is_refused(running: Running, mode: str) -> None:
    async def use(query: str, headers: dict[str, str]) -> None:
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(running.url, http_client=http)
            async with Client(transport, mode=mode, read_timeout_seconds=60) as one:
                await one.call_tool("search_code", {"query": query})

    shown = {"Authorization": f"Bearer {TOKEN}"}
    for query, headers, said in (
        ("x" * (1 << 20), shown, "more than 1,048,576 bytes"),
        ("x", {}, "Authorization: Bearer TOKEN"),
        ("x", shown | {"Host": "evil.example"}, "Ask http://127.0.0.1"),
        ("x", shown | {"Origin": "http://evil.example"}, "Ask from a program"),
    ):
        with pytest.raises(BaseException) as refused:  # noqa: PT011 - the client's own, in groups of its tasks
            anyio.run(use, query, headers)
        assert said in "".join(traceback.format_exception(refused.value)), said


def test_what_is_no_message_is_an_error_of_the_protocol(running: Running) -> None:
    for content in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"jsonrpc": "2.0"}'):
        assert 400 <= post(running, content).status_code < 500, content
    assert post(running, b"{}", content_type="text/plain").status_code in {400, 415}


def test_the_api_answers_beside_the_protocol(running: Running) -> None:
    base = running.url.removesuffix("/mcp")
    with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
        found = http.post(f"{base}/v1/search", json={"query": QUESTION, "limit": 1})
        assert found.json()["results"][0]["path"] == "src/ring.py"
        assert http.get(f"{base}/health").status_code == 200
        figures = http.get(f"{base}/metrics").text
        assert 'coderank_questions_total{kind="search",outcome="answered"}' in figures
        assert http.get(f"{base}/nothing").status_code == 404
    with httpx2.Client(timeout=30) as http:
        assert http.get(f"{base}/metrics").status_code == 401


def test_a_client_that_vanishes_in_the_middle_is_forgotten(running: Running) -> None:
    for half in (
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n{",
    ):
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as line:
            line.sendall(half)
    anyio.run(vanish, running)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
            if http.get(running.url.replace("/mcp", "/health")).json()["in_flight"] == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server still works for somebody who left")


async def vanish(running: Running) -> None:
    """Call a tool, and break the connection off before the answer."""
    async with authorized() as http:
        opened = await http.post(running.url, json=INITIALIZE, headers=ACCEPT)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]} | ACCEPT
        params = {"name": "search_code", "arguments": {"query": QUESTION}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        with anyio.move_on_after(0.01):
            await http.post(running.url, json=call, headers=session)


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (("--http", "0.0.0.0:8377"), "", "Others can reach 0.0.0.0, and no token is set"),
        (("--http", "0.0.0.0:8377"), "short", "CODERANK_SERVE_TOKEN has 5 characters"),
        (("--http", "8377"), "", "'8377' is not HOST:PORT"),
        (("--http", "127.0.0.1:PORT"), "", "Cannot listen on 127.0.0.1:"),
        (("nowhere",), "", "nowhere"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    here: Place, running: Running, arguments: tuple[str, ...], token: str, message: str
) -> None:
    given = [argument.replace("PORT", str(running.port)) if ":PORT" in argument else argument for argument in arguments]
    process = here.start(*given, CODERANK_SERVE_TOKEN=token)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.decode().startswith("coderank: ")
    assert message in err.decode()
    assert err.count(b"\n") == 1


def test_streams_of_events_are_completed_when_it_ends(tmp_path: Path) -> None:
    server = Running(place(tmp_path).start("--http", "127.0.0.1:0"))
    with httpx2.Client(timeout=30, headers=ACCEPT) as http:
        opened = http.post(server.url, json=INITIALIZE)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        http.post(server.url, json=INITIALIZED, headers=session)
        with http.stream("GET", server.url, headers=session) as events:
            assert events.status_code == 200
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert b"data: {" not in events.read()
    out, err = server.process.communicate(timeout=20)
    assert (server.process.returncode, out + err) == (0, b"")
    assert time.monotonic() - begun < 15


def test_sessions_are_bounded(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MAX_SESSIONS", 2)
    workspace = Workspace.open([str(place(tmp_path).repo)], settings)

    async def use() -> list[int]:
        spoken = listen.over_http(server(workspace))
        app = Starlette(routes=[Route("/mcp", spoken.app)], lifespan=spoken.lifespan)
        async with spoken.lifespan(app):
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ACCEPT) as http:
                return [(await http.post("/mcp", json=INITIALIZE)).status_code for _ in range(3)]

    assert anyio.run(use) == [200, 200, 503]


def test_it_ends_in_order_also_while_it_works(tmp_path: Path) -> None:
    own = place(tmp_path)
    for number in range(400):
        (own.repo / f"m{number}.py").write_text(f"def many_{number}(value):\n    return value + {number}\n" * 5)
    server = Running(own.start("--http", "127.0.0.1:0"))
    time.sleep(0.3)
    begun = time.monotonic()
    assert server.end() == (0, "")
    assert time.monotonic() - begun < 15
