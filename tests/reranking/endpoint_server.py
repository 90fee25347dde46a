"""An OpenAI-compatible server on loopback, that ranks by the true order or misbehaves as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import listening
from tests.reranking.judges import true_answer


@dataclass(frozen=True)
class Reply:
    """What goes over the wire."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    trickle: float = 0.0
    """Seconds before each byte."""


def said(text: str) -> Reply:
    """A chat completion that says this."""
    answer = {
        "id": "x",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    return Reply(json.dumps(answer).encode())


def refused(status: int, text: str = '{"error": {"message": "[2] > [1]"}}', **headers: str) -> Reply:
    return Reply(text.encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


Behaviour = Callable[[int, dict[str, Any]], Reply]


def truthful(_: int, request: dict[str, Any]) -> Reply:
    return said(true_answer(request["messages"][1]["content"]))


@dataclass
class Server:
    """What a test sees of it."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(behaviour: Behaviour = truthful) -> Iterator[Server]:
    """Serve until the block ends. ``behaviour`` gets the number of the request and its body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                number = len(server.requests)
                server.requests.append(body)
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                server.paths.append(self.path)
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            try:
                self.send(behaviour(number, body))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with server.lock:
                    server.at_once -= 1

        def send(self, reply: Reply) -> None:
            server.stopping.wait(reply.delay)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            if not reply.trickle:
                self.wfile.write(reply.body)
                return
            for at in range(len(reply.body)):
                if server.stopping.wait(reply.trickle):
                    return
                self.wfile.write(reply.body[at : at + 1])

        def log_message(self, *_: object) -> None:
            pass

    server = Server("")
    with listening(Handler, before_end=server.stopping.set) as root:
        server.url = f"{root}/v1"
        yield server


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    while not condition():
        time.sleep(0.005)
