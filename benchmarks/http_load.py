"""The JSON API of ``coderank serve --http`` over 50,000 chunks: one client, then 64 at once, in processes of their own.

``python -m benchmarks.http_load DATA_DIR REPOS_DIR [--save]``. The index is that of the latency benchmark. The clients
run beside the server on the same cores, so that their work is in the times.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import latency, questions
from benchmarks.results import FOLDER, Run, Table
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.process import coderank, environment
from coderank.evaluation.tables import markdown

CLIENTS = 64
ROUNDS = 15
"""Questions of each client: a thousand in all, of which the ten slowest make the 99th percentile."""
ALONE = 300
WARM_UP = 50
SHARES = (0.5, 0.95, 0.99)
PATIENCE_S = 120
JSON = {"Content-Type": "application/json"}


class ServerFailedError(Exception):
    """The measured server did not listen, or not end in order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request."""

    status: int
    ms: float
    engine_ms: float
    """Of these in the stages of the search."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int

    def connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S))

    def peak_mib(self) -> float:
        """The most memory that it had (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print its tables and, if asked to, write its result."""
    given = _parser().parse_args(arguments)
    run_ = Run("http-load", "python -m benchmarks.http_load DATA_DIR REPOS_DIR --save")
    texts = [q.text for repository in questions.load(given.data) for q in repository.questions]
    with tempfile.TemporaryDirectory() as scratch:
        vectors = latency.real_vectors(given.repositories)
        big = latency.build(given.repositories, Path(scratch), given.chunks, vectors)
        with serving(big) as server:
            ask_in_turn(server, texts, WARM_UP)
            alone = ask_in_turn(server, texts, given.alone)
            crowd = ask_at_once(server, texts, given.clients, given.rounds)
            peak = server.peak_mib()
    table = _table({"1 client": alone, f"{given.clients} clients at once": crowd}, big.chunks, peak)
    print(f"\n{table.title}\n\n{markdown(table.columns, table.rows)}")
    if given.save:
        details = {"chunks": big.chunks, "peak_mib": round(peak), "alone": _details(alone), "crowd": _details(crowd)}
        print(run_.write(_measured(alone, crowd), details, [table], given.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_load", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the localisation data: its questions are asked")
    parser.add_argument("repositories", type=Path, metavar="REPOS_DIR", help="where checkout.py laid them out")
    parser.add_argument("--chunks", type=int, default=50_000, help="size of the index")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="questions of each client")
    parser.add_argument("--alone", type=int, default=ALONE, help="questions of one client alone")
    parser.add_argument("--save", action="store_true", help="write the result file")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the result file goes")
    return parser


@contextmanager
def serving(big: latency.Big) -> Iterator[Server]:
    """Run the server over an index, from its first answer to its end in order."""
    env = environment(big.settings.data_dir, big.settings.cache_dir)
    command = coderank("serve", "--http", "127.0.0.1:0", str(big.root))
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            process.kill()
            raise ServerFailedError(f"The server did not listen: {line}")
        yield Server(process, int(found[1]))
        process.send_signal(signal.SIGTERM)
        if process.wait(PATIENCE_S):
            raise ServerFailedError(f"The server ended with {process.returncode}")


def ask_in_turn(server: Server, texts: Sequence[str], count: int) -> list[Asked]:
    """Ask on one connection, one question after another."""
    with server.connect() as connection:
        return [_ask(connection, texts[number % len(texts)]) for number in range(count)]


def ask_at_once(server: Server, texts: Sequence[str], clients: int, rounds: int) -> list[Asked]:
    """Ask on many connections, each the next question as soon as it has its answer."""

    def client(number: int) -> list[Asked]:
        start = number * len(texts) // clients
        return ask_in_turn(server, [*texts[start:], *texts[:start]], rounds)

    with ThreadPoolExecutor(clients) as pool:
        return [asked for given in pool.map(client, range(clients)) for asked in given]


def _ask(connection: HTTPConnection, text: str) -> Asked:
    body = json.dumps({"query": text})
    start = time.perf_counter()
    connection.request("POST", "/v1/search", body, JSON)
    answer = connection.getresponse()
    content = answer.read()
    spent = (time.perf_counter() - start) * 1000
    stages = json.loads(content)["stages"] if answer.status == 200 else []
    return Asked(answer.status, spent, sum(stage["ms"] for stage in stages))


def _beyond(asked: Sequence[Asked]) -> float:
    return median([one.ms - one.engine_ms for one in asked if one.status == 200])


def _measured(alone: Sequence[Asked], crowd: Sequence[Asked]) -> dict[str, float]:
    times = [one.ms for one in crowd]
    return {
        "http_beyond_engine": round(_beyond(alone), 3),
        "http_tail": round(quantile(times, 0.99) / median(times), 3),
        "http_unanswered": float(sum(one.status != 200 for one in [*alone, *crowd])),
    }


def _details(asked: Sequence[Asked]) -> dict[str, Any]:
    times = [one.ms for one in asked]
    return {
        "statuses": {str(status): count for status, count in sorted(Counter(one.status for one in asked).items())},
        "ms": {f"p{share * 100:.0f}": round(quantile(times, share), 2) for share in SHARES},
        "beyond_engine_p50_ms": round(_beyond(asked), 2),
    }


def _table(measured: dict[str, list[Asked]], chunks: int, peak: float) -> Table:
    rows = []
    for name, asked in measured.items():
        times = [one.ms for one in asked]
        unanswered = sum(one.status != 200 for one in asked)
        cells = (*(quantile(times, share) for share in SHARES), _beyond(asked))
        rows.append([name, f"{len(asked):,}", f"{unanswered}", *(f"{cell:.1f}" for cell in cells)])
    title = f"POST /v1/search over {chunks:,} chunks, milliseconds; the server had at most {peak:.0f} MiB"
    return Table(title, ("clients", "requests", "not answered", "p50", "p95", "p99", "beyond the engine, p50"), rows)


if __name__ == "__main__":
    main()
