"""Over standard streams: a real process, the official client of another code base, and what no client would send."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp_types import TextContent
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from tests.serving.serving_process import INITIALIZE, Place, Wire, place
from tests.small_tree import QUESTION

from coderank import __version__
from coderank.serving.desk import VERSIONS
from coderank.serving.instructions import INSTRUCTIONS


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("stdio"))


@pytest.fixture(scope="module")
def wire(here: Place) -> Iterator[Wire]:
    """One process for all tests that leave it as it was."""
    with Wire(here.start()) as started:
        started.greet()
        yield started
        assert started.end() == 0


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_official_client(here: Place, mode: str) -> None:
    async def use() -> None:
        async with Client(here.parameters, mode=mode, read_timeout_seconds=60) as client:
            assert client.instructions == INSTRUCTIONS
            assert client.server_info is not None
            assert (client.server_info.name, client.server_info.version) == ("coderank", __version__)
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(listed) == ["search_code", "find_related", "list_collections", "index_status"]
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.values())
            found = await client.call_tool("search_code", {"query": QUESTION, "limit": 1})
            assert not found.is_error
            assert found.structured_content is not None
            assert found.structured_content["results"][0]["path"] == "src/ring.py"
            assert isinstance(found.content[0], TextContent)
            assert found.content[0].text.startswith("src/ring.py\n1-10  RingBuffer")
            wrong = await client.call_tool("search_code", {"query": QUESTION, "lmit": 1})
            assert wrong.is_error
            assert isinstance(wrong.content[0], TextContent)
            assert "unknown field `lmit`" in wrong.content[0].text
            assert (await client.call_tool("no_such_tool", {})).is_error

    anyio.run(use)


def test_the_first_answer_is_given_once(here: Place) -> None:
    with Wire(here.start()) as greeted:
        first = greeted.greet()["result"]
        assert first["protocolVersion"] == "2025-06-18"
        assert first["serverInfo"] == {"name": "coderank", "version": __version__}
        assert first["instructions"] == INSTRUCTIONS
        greeted.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        tools = greeted.answer(1)["result"]["tools"]  # and the library's own answer to the first is not heard again
        assert len(tools) == 4
        greeted.process.send_signal(signal.SIGTERM)
        assert greeted.process.wait(20) == 0


def test_the_first_answer_needs_nothing_heavy(here: Place) -> None:
    # The command up to the moment at which the client has been greeted.
    program = """
import sys
from coderank.serving import desk
def told(self):
    heavy = {"fastmcp", "mcp", "pydantic", "uvicorn", "numpy", "onnxruntime", "qdrant_edge", "tree_sitter"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
    return False
desk.Desk.greet = told
from coderank.cli.main import program
program()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "serve"],
        cwd=here.repo,
        env=here.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"[]\n")


def test_the_library_says_the_same_in_every_version_that_is_answered_for_it(here: Place) -> None:
    assert frozenset(HANDSHAKE_PROTOCOL_VERSIONS) == VERSIONS
    params = {**INITIALIZE["params"], "protocolVersion": "1999-01-01"}  # type: ignore[dict-item]
    with Wire(here.start()) as unknown:
        unknown.send({**INITIALIZE, "params": params})  # nobody knows it, so that the library answers
        theirs = unknown.answer(0)["result"]
        assert unknown.end() == 0
    assert theirs["serverInfo"]["name"] == "coderank"
    assert theirs["serverInfo"]["version"] == __version__
    assert theirs["instructions"] == INSTRUCTIONS
    assert "tools" in theirs["capabilities"]
    assert theirs["protocolVersion"] in VERSIONS


def test_what_is_no_message_does_not_end_the_conversation(wire: Wire) -> None:
    for line in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"jsonrpc": "1.0", "id": 7, "method": "ping"}', b'"' * 999):
        wire.send_raw(line)
    wire.send({"jsonrpc": "2.0", "id": 8, "method": "no/such/method"})
    assert wire.answer(8)["error"]["code"] == -32601
    wire.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": 3}})
    assert wire.answer(9)["error"]["code"] == -32602
    wire.send({"jsonrpc": "2.0", "id": 10, "method": "ping"})
    assert wire.answer(10)["result"] == {}


@pytest.mark.parametrize(
    ("line", "number", "code", "why"),
    [
        (b'{"jsonrpc": "2.0", "id": 70, "method": "ping", "params": {"x": "\\ud83d"}}', 70, -32700, "half of a char"),
        (b'{"jsonrpc": "2.0", "id": "a", "method": 5}', "a", -32600, "no message"),
        (b'{"jsonrpc": "2.0", "id": 71, "method": "ping", "params": [1]}', 71, -32600, "no message"),
        (b'{"jsonrpc": "2.0", "id": 72, "meth', None, -32700, "EOF while parsing"),
        (b'{"jsonrpc": "1.0", "id": 73, "result": {}}', None, -32600, "no message"),
        (b'[{"jsonrpc": "2.0", "id": 74, "method": "ping"}]', None, -32600, "no message"),
        (b"[" * 9_999 + b"]" * 9_999, None, -32700, "recursion limit"),
    ],
)
def test_nobody_waits_for_the_answer_to_what_is_no_message(
    wire: Wire, line: bytes, number: int | str | None, code: int, why: str
) -> None:
    wire.send_raw(line)
    answer = wire.receive()
    assert (answer["id"], answer["error"]["code"]) == (number, code)
    assert why in answer["error"]["message"]
    wire.send_raw(b"")
    wire.send({"jsonrpc": "2.0", "id": 75, "method": "ping", "params": {"x": "\U0001f600"}})  # both halves, escaped
    assert wire.receive()["result"] == {}


def test_a_line_without_an_end_is_refused_and_not_kept(wire: Wire) -> None:
    assert wire.process.stdin is not None
    for _ in range(40):
        wire.process.stdin.write(b"x" * (1 << 20))
    wire.process.stdin.flush()
    answer = wire.receive()
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert "16,777,216 bytes" in answer["error"]["message"]
    wire.send_raw(b"x" * (1 << 20))
    wire.send({"jsonrpc": "2.0", "id": 30, "method": "ping"})
    assert wire.receive() == {"jsonrpc": "2.0", "id": 30, "result": {}}


def test_ten_megabytes_are_refused_and_forgotten(wire: Wire) -> None:
    answer = wire.call(20, "search_code", query="x" * 10_000_000)["result"]
    assert answer["isError"] is True
    assert "10000000 characters" in answer["content"][0]["text"]
    for number, name in enumerate(("path", "language", "collection", "cursor"), start=21):
        answer = wire.call(number, "search_code", query="x", **{name: "y" * 2_500_000})["result"]
        assert answer["isError"] is True
        assert name in answer["content"][0]["text"]
        assert len(str(answer)) < 1_000


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.txt", "src/../../secret.txt", "SRC/ring.py", "link.py"])
def test_no_tool_reads_a_file_outside_of_the_index(wire: Wire, here: Place, path: str) -> None:
    (here.base / "secret.txt").write_text("hunter2 password\n")
    link = here.repo / "link.py"
    if not link.is_symlink():
        link.symlink_to(here.base / "secret.txt")
    answer = wire.call(30, "find_related", path=path, line=1)["result"]
    assert answer["isError"] is True
    assert "hunter2" not in str(answer)
    found = wire.call(31, "search_code", query="hunter2", path=path)["result"]
    assert "hunter2 password" not in str(found)


def test_a_cancelled_request_is_given_up_and_others_go_on(wire: Wire, here: Place) -> None:
    many = here.repo / "many"
    many.mkdir()
    for number in range(1_500):
        (many / f"m{number}.py").write_text(f"def many_{number}(value):\n    return value + {number}\n")
    heard: list[dict[str, object]] = []
    params = {"name": "search_code", "arguments": {"query": "many"}, "_meta": {"progressToken": "p"}}
    wire.send({"jsonrpc": "2.0", "id": 40, "method": "tools/call", "params": params})
    while True:
        message = wire.receive()
        assert message.get("id") != 40, "answered before there was any progress"
        if message.get("method") == "notifications/progress":
            heard.append(message["params"])
            if len(heard) == 2:
                break
    wire.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 40}})
    wire.send({"jsonrpc": "2.0", "id": 41, "method": "ping"})
    assert wire.answer(41)["result"] == {}
    assert {event["progressToken"] for event in heard} == {"p"}
    values = [float(str(event["progress"])) for event in heard]
    assert values == sorted(values)
    assert all(0 <= value <= 1 for value in values)
    assert "files" in str(heard[0]["message"])
    shutil.rmtree(many)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_client_that_vanishes_takes_its_server_with_it(here: Place, *, hangs: bool) -> None:
    with Wire(here.start()) as gone:
        gone.greet()
        params = {"name": "search_code", "arguments": {"query": QUESTION}}
        assert gone.process.stdout is not None
        assert gone.process.stdin is not None
        gone.process.stdout.close()
        gone.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        if not hangs:  # else one that reads no more, and has not closed the other end
            gone.process.stdin.close()
        assert gone.process.wait(60) == 0
        assert gone.process.stderr is not None
        assert gone.process.stderr.read() == b""


def test_a_client_that_never_speaks_is_not_waited_for(here: Place) -> None:
    with Wire(here.start()) as silent:
        begun = time.monotonic()
        assert silent.end() == 0
        assert time.monotonic() - begun < 20


def test_ten_agents_share_one_index(tmp_path: Path) -> None:
    here = place(tmp_path)

    def agent(_: int) -> list[str]:
        with Wire(here.start()) as own:
            own.greet()
            results = [own.call(number, "search_code", query=QUESTION, limit=1)["result"] for number in (1, 2)]
            assert own.end(60) == 0
            assert own.process.stderr is not None
            assert own.process.stderr.read() == b""
        return [result["structuredContent"]["results"][0]["path"] for result in results]

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(agent, range(10))) == [["src/ring.py"] * 2] * 10


def test_without_the_library_one_command_is_named(here: Place, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util, os\n_find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'fastmcp' else _find(name, *rest)\n"
    )
    process = here.start(PYTHONPATH=str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, b"")
    assert err.decode() == "coderank: This installation cannot serve. Run: pip install 'coderank[serve]'\n"
