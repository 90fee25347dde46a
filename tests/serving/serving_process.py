"""A real `coderank serve`, over its pipes or over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import StdioServerParameters
from tests.small_tree import write_tree

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, and where the server keeps its own files."""

    base: Path

    @property
    def repo(self) -> Path:
        return self.base / "repo"

    @property
    def environment(self) -> dict[str, str]:
        foreign = ("CODERANK_", "FASTMCP_", "XDG_", "PYTHON", "NO_COLOR", "FORCE_COLOR")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {
            "HOME": str(self.base / "home"),
            "CODERANK_DATA_DIR": str(self.base / "data"),
            "CODERANK_CACHE_DIR": str(self.base / "cache"),
        }
        return inherited | own

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "coderank", "serve"]

    @property
    def parameters(self) -> StdioServerParameters:
        """For the official client, which starts the process itself."""
        program, *arguments = self.command
        return StdioServerParameters(command=program, args=arguments, env=self.environment, cwd=self.repo)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.repo,
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def place(base: Path) -> Place:
    write_tree(base / "repo")
    return Place(base)


class Wire:
    """The protocol by hand, for what no client would send."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._input, self._output = process.stdin, process.stdout

    def send(self, message: object) -> None:
        self.send_raw(json.dumps(message).encode())

    def send_raw(self, line: bytes) -> None:
        self._input.write(line + b"\n")
        self._input.flush()

    def receive(self) -> dict[str, Any]:
        """The next message: every line of the output is one."""
        line = self._output.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    def answer(self, number: int) -> dict[str, Any]:
        """The answer to a request; notifications that come before it are passed over."""
        while True:
            message = self.receive()
            if message.get("id") == number:
                return message

    def call(self, number: int, tool: str, **arguments: object) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        return self.answer(number)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self._input, self._output, self.process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def greet(self) -> dict[str, Any]:
        """Begin the conversation."""
        self.send(INITIALIZE)
        answer = self.answer(0)
        self.send(INITIALIZED)
        return answer

    def end(self, timeout: float = 20) -> int:
        """Close the input, and give the exit code. Nothing may be left on the output."""
        self._input.close()
        code = self.process.wait(timeout)
        assert self._output.read() == b""
        return code
