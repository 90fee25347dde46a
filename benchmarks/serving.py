"""What a server adds to an answer, and what many clients at once get of it.

``python -m benchmarks.serving DATA_DIR REPOS_DIR [--save]``. One real ``coderank serve`` after the other, on the index
of 50,000 chunks that `benchmarks.latency` makes: over standard streams for one agent, for ten agents at once with a
process each, for the same while a file is saved again and again, and over HTTP on loopback for 64 clients. What the
engine says that its stages took is taken away from what the client waited; the rest is the server.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx2

from benchmarks import questions
from benchmarks.latency import SHARES, WARM_UP, Big, build, real_vectors
from benchmarks.resident import resident
from benchmarks.results import FOLDER, Run, Table
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.process import coderank, environment
from coderank.evaluation.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 64
CALLS = 8
"""Of each client: 512 answers."""
ALONE = 200
"""Questions of one agent."""
AGENTS = 10
AGENT_CALLS = 100
"""Of each agent, one after the other: 1,000 answers."""
SAVED_EVERY_S = 5.0
"""How often somebody saves a file in the searched folder meanwhile."""
GREETINGS = 5
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@dataclass(slots=True)
class Waited:
    """What clients waited, in milliseconds, one value an answer."""

    total: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    errors: int = 0
    mib: float = 0.0
    """Most memory that the server had, the pages of files included that all processes share."""
    own_mib: float = 0.0
    """Memory of its own at the end."""

    @property
    def beyond(self) -> list[float]:
        """What the engine did not take."""
        return [total - engine for total, engine in zip(self.total, self.engine, strict=True)]

    def weigh(self, pid: int) -> None:
        """Read the memory of the server."""
        status = Path(f"/proc/{pid}/status")
        self.mib, self.own_mib = resident("VmHWM", status), resident("RssAnon", status)

    def add(self, begun: float, answer: dict[str, Any]) -> None:
        """Take one answer in."""
        result = answer.get("result", {})
        if "error" in answer or result.get("isError"):
            self.errors += 1
            return
        self.total.append((time.perf_counter() - begun) * 1000)
        self.engine.append(sum(stage["ms"] for stage in result["structuredContent"]["stages"]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run = Run("serving", "python -m benchmarks.serving DATA_DIR REPOS_DIR --save")
    texts = [q.text for repository in questions.load(given.data) for q in repository.questions]
    with tempfile.TemporaryDirectory() as scratch:
        big = build(given.repositories, Path(scratch), given.chunks, real_vectors(given.repositories))
        greeted = [greeting(big) for _ in range(given.greetings)]
        alone = over_streams(big, texts)
        ten = agents_at_once(big, texts, given.agents)
        disturbed = agents_at_once(big, texts, given.agents, saving=True)
        many = over_http(big, texts, given.clients)
    tables = [_table(alone, (ten, disturbed), many, big.chunks, (given.agents, given.clients))]
    for table in tables:
        print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    print(
        f"\ngreeted after {median(greeted):.2f} s; memory {alone.mib:.0f} and {many.mib:.0f} MiB, of {given.agents} "
        f"agents' processes {ten.own_mib:.0f} MiB of their own in all; errors "
        f"{ten.errors + disturbed.errors + many.errors}"
    )
    if given.save:
        details = _details(greeted, alone, many, big)
        details["agents_at_once"] = _details_of_agents(ten, given.agents)
        details["agents_while_a_file_is_saved"] = _details_of_agents(disturbed, given.agents)
        measured = _measured(greeted, alone, many) | _measured_of_agents(ten, disturbed)
        print(run.write(measured, details, tables, given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the localisation data: its questions are asked")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--chunks", type=int, default=50_000, help="size of the index")
    parser.add_argument("--agents", type=int, default=AGENTS, help="with a process each, at once")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="over HTTP at once")
    parser.add_argument("--greetings", type=int, default=GREETINGS, help="processes that are started and greeted")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


def greeting(big: Big) -> float:
    """Return seconds from the start of a process to its answer to ``initialize``."""
    begun = time.perf_counter()
    with _streams(big) as process:
        _ask(process, INITIALIZE)
        return time.perf_counter() - begun


def over_streams(big: Big, texts: Sequence[str]) -> Waited:
    """Ask as one agent does, over standard streams, one question after the other."""
    waited = Waited()
    with _streams(big) as process:
        _ask(process, INITIALIZE)
        _send(process, INITIALIZED)
        for text in texts[-WARM_UP:]:
            _ask(process, _call(text))
        for text in texts[:ALONE]:
            begun = time.perf_counter()
            waited.add(begun, _ask(process, _call(text)))
        waited.weigh(process.pid)
    return waited


def agents_at_once(big: Big, texts: Sequence[str], agents: int, *, saving: bool = False) -> Waited:
    """Ask as several agents do at the same time, each with a process of its own on the one index.

    ``own_mib`` is what the processes have together. All are asked once before, which counts as their start. With
    ``saving``, somebody saves a file of the searched folder while they ask.
    """
    waited = Waited()
    with ExitStack() as ends, ThreadPoolExecutor(agents) as pool:
        processes = [ends.enter_context(_streams(big)) for _ in range(agents)]

        def greeted(process: subprocess.Popen[bytes]) -> None:
            _ask(process, INITIALIZE)
            _send(process, INITIALIZED)
            _ask(process, _call(texts[-1]))

        def asked(number: int) -> None:
            for turn in range(AGENT_CALLS):
                text = texts[(number * AGENT_CALLS + turn) % len(texts)]
                begun = time.perf_counter()
                waited.add(begun, _ask(processes[number], _call(text)))

        list(pool.map(greeted, processes))
        with _saving(big) if saving else nullcontext():
            list(pool.map(asked, range(agents)))
        each = [Waited() for _ in processes]
        for process, one in zip(processes, each, strict=True):
            one.weigh(process.pid)
        waited.own_mib = sum(one.own_mib for one in each)
    return waited


@contextmanager
def _saving(big: Big) -> Iterator[None]:
    """Save a file of the searched folder with another function in it, at once and then again and again."""
    file = max(big.root.rglob("*.py"), key=lambda path: (path.stat().st_size, path))
    text, ended = file.read_text(), threading.Event()

    def save() -> None:
        for number in itertools.count():
            file.write_text(f"{text}\n\ndef saved_{number}() -> int:\n    return {number}\n")
            if ended.wait(SAVED_EVERY_S):
                return

    with ThreadPoolExecutor(1) as pool:
        saver = pool.submit(save)
        try:
            yield
        finally:
            ended.set()
            saver.result()
            file.write_text(text)


def over_http(big: Big, texts: Sequence[str], clients: int) -> Waited:
    """Ask as many clients do at once, each of them one question after the other in a session of its own."""
    waited = Waited()
    with _listening(big) as (process, url):

        async def client(number: int) -> None:
            async with httpx2.AsyncClient(timeout=120, headers=ACCEPT) as http:
                opened = await http.post(url, json=INITIALIZE)
                http.headers["Mcp-Session-Id"] = opened.headers["mcp-session-id"]
                await http.post(url, json=INITIALIZED)
                await http.post(url, json=_call(texts[-1]))  # opens the connection and warms the server up
                for turn in range(CALLS):
                    text = texts[(number * CALLS + turn) % len(texts)]
                    begun = time.perf_counter()
                    answered = await http.post(url, json=_call(text))
                    waited.add(begun, _event(answered))

        async def all_of_them() -> None:
            async with anyio.create_task_group() as group:
                for number in range(clients):
                    group.start_soon(client, number)

        anyio.run(all_of_them)
        waited.weigh(process.pid)
    return waited


@contextmanager
def _streams(big: Big) -> Iterator[subprocess.Popen[bytes]]:
    process = _started(big)
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@contextmanager
def _listening(big: Big) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    process = _started(big, "--http", "127.0.0.1:0", stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        yield process, process.stderr.readline().decode().removeprefix("listening on ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _started(big: Big, *arguments: str, stderr: int | None = None) -> subprocess.Popen[bytes]:
    env = environment(big.settings.data_dir, big.settings.cache_dir)
    command = coderank("serve", str(big.root), *arguments)
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)


def _call(text: str) -> dict[str, Any]:
    params = {"name": "search_code", "arguments": {"query": text}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _send(process: subprocess.Popen[bytes], message: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def _ask(process: subprocess.Popen[bytes], message: object) -> dict[str, Any]:
    _send(process, message)
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def _event(answered: httpx2.Response) -> dict[str, Any]:
    """Read the message out of an event stream; any other answer is an error."""
    data = [line.removeprefix("data: ") for line in answered.text.splitlines() if line.startswith("data: ")]
    found: dict[str, Any] = json.loads(data[-1]) if answered.status_code == 200 and data else {"error": answered.text}
    return found


def _measured(greeted: Sequence[float], alone: Waited, many: Waited) -> dict[str, float]:
    return {
        "serve_greeting": round(median(greeted), 3),
        "serve_p50": round(median(alone.total), 2),
        "serve_beyond_p50": round(median(alone.beyond), 2),
        "serve_many_spread": round(quantile(many.total, 0.99) / median(many.total), 2),
        "serve_many_errors": float(many.errors),
    }


def _details(greeted: Sequence[float], alone: Waited, many: Waited, big: Big) -> dict[str, Any]:
    return {
        "chunks": big.chunks,
        "greeting_s": [round(seconds, 3) for seconds in greeted],
        "answers_over_http": len(many.total),
        "peak_memory_mib": {"streams": round(alone.mib), "http": round(many.mib)},
        "own_memory_mib": {"streams": round(alone.own_mib), "http": round(many.own_mib)},
        "cores": os.cpu_count(),
    }


def _measured_of_agents(ten: Waited, disturbed: Waited) -> dict[str, float]:
    return {
        "serve_agents_spread": round(quantile(ten.total, 0.99) / median(ten.total), 2),
        "serve_agents_errors": float(ten.errors + disturbed.errors),
    }


def _details_of_agents(ten: Waited, agents: int) -> dict[str, Any]:
    return {
        "agents": agents,
        "answers": len(ten.total),
        "errors": ten.errors,
        "p50_ms": round(median(ten.total), 2),
        "p95_ms": round(quantile(ten.total, 0.95), 2),
        "own_memory_mib": round(ten.own_mib),
    }


def _table(alone: Waited, ten: tuple[Waited, Waited], many: Waited, chunks: int, asking: tuple[int, int]) -> Table:
    rows = [
        [name, *(f"{quantile(values, share):.1f}" for share in SHARES)]
        for name, values in (
            ("one agent over standard streams", alone.total),
            ("of that the engine", alone.engine),
            ("of that the server", alone.beyond),
            (f"{asking[0]} agents with a process each, at once", ten[0].total),
            (f"the same, while a file is saved every {SAVED_EVERY_S:g} s", ten[1].total),
            (f"{asking[1]} clients over HTTP at once", many.total),
        )
    ]
    title = f"`search_code` over {chunks:,} chunks, milliseconds"
    return Table(title, ("who asks", *(f"p{share * 100:.0f}" for share in SHARES)), rows)


if __name__ == "__main__":
    main()
