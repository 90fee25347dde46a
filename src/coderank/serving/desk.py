"""Answers the first message of a client on standard input at once, while the protocol's library is still loading.

Loading it takes a second of a core, and several where ten agents start at once; some clients give up on a server that
does not greet them by then. What is answered to ``initialize`` is known before.
"""

from __future__ import annotations

import io
import json
import os
import select
import sys
from typing import TYPE_CHECKING, Any

from coderank import __version__

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

VERSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
"""Versions of the protocol that begin with ``initialize`` and that the library speaks, as it is told by a test. Whoever
asks for another one, or begins otherwise, is answered by the library."""
FIRST_LINE_BYTES = 1 << 20
"""A longer first line is left to the library."""


class Desk:
    """Standard input and output of a process that speaks the protocol over them.

    From the start nothing else can read the one or write to the other: what is printed by mistake goes to standard
    error.
    """

    def __init__(self, name: str, instructions: str) -> None:
        """Take the two streams away from the rest of the process."""
        self._name = name
        self._instructions = instructions
        self._input = _private(0, os.open(os.devnull, os.O_RDONLY))
        self._output = _private(1, os.dup(2))
        self._wake, self._hang_up = os.pipe()
        self._first = b""
        self._greeted: Any = None
        """Id of the request that was answered here."""

    def greet(self) -> bool:
        """Wait for the first line, and answer it if it is an ``initialize`` that needs nobody else.

        Returns whether there is a client: the input did not end before.
        """
        self._first = _line(self._input)
        request = _initialize(self._first)
        if request is not None:
            answer = {"jsonrpc": "2.0", "id": request["id"], "result": self._greeting(request["params"])}
            _write(self._output, json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            self._greeted = request["id"]
        return bool(self._first)

    def hand_over(self) -> None:
        """Let the library read everything from the first line on, as the process's standard streams.

        Its own answer to what was answered here is dropped; if that is an error, it is passed on.
        """
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Input(self._first, self._input, self._wake)), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(_Output(self._output, self._greeted), encoding="utf-8")

    def hang_up(self) -> None:
        """Let the input end here, as if the client had closed it. May be called by a signal handler."""
        os.write(self._hang_up, b".")

    def _greeting(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": self._name, "version": __version__},
            "instructions": self._instructions,
        }


class _Input(io.RawIOBase):
    """The first line, then the rest of the stream. Has no descriptor, so that nobody reads past it."""

    def __init__(self, first: bytes, descriptor: int, wake: int) -> None:
        self._first = first
        self._descriptor = descriptor
        self._wake = wake

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data, self._first = self._first[: len(view)], self._first[len(view) :]
        if not data and not self._hung_up():
            data = os.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)

    def _hung_up(self) -> bool:
        """Wait until there is something to read, and tell whether it is the end."""
        if sys.platform == "win32":  # select knows no pipes there, and nobody sends such signals
            return False
        readable, _, _ = select.select([self._descriptor, self._wake], [], [])
        return self._wake in readable


class _Output(io.BufferedIOBase):
    """Writes whole messages, all but the answer that was given already."""

    def __init__(self, descriptor: int, greeted: Any) -> None:
        self._descriptor = descriptor
        self._greeted = greeted
        self._pending = b""

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Send at once what is whole: to be asked to flush takes another turn of the library's threads."""
        written = bytes(data)
        *whole, self._pending = (self._pending + written).split(b"\n")
        for line in whole:
            if self._greeted is not None and _answers(line, self._greeted):
                self._greeted = None
            else:
                _write(self._descriptor, line + b"\n")
        return len(written)


def _private(descriptor: int, instead: int) -> int:
    """Move a standard stream out of everybody's reach, and put ``instead`` in its place."""
    own = os.dup(descriptor)
    os.set_inheritable(own, False)
    os.dup2(instead, descriptor)
    os.close(instead)
    return own


def _line(descriptor: int) -> bytes:
    """Read up to and with the end of the first line, or more of a stream that comes in larger pieces."""
    found = b""
    while b"\n" not in found and len(found) < FIRST_LINE_BYTES:
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            break
        found += piece
    return found


def _initialize(data: bytes) -> dict[str, Any] | None:
    """Give the request on the first line if it is an ``initialize`` that can be answered here."""
    try:
        request = json.loads(data.partition(b"\n")[0])
        params = request["params"]
        known = (
            request["jsonrpc"] == "2.0"
            and request["method"] == "initialize"
            and isinstance(request["id"], str | int)
            and params["protocolVersion"] in VERSIONS
            and isinstance(params["capabilities"], dict)
            and isinstance(params["clientInfo"]["name"], str)
            and isinstance(params["clientInfo"]["version"], str)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return request if known else None


def _answers(line: bytes, request: Any) -> bool:
    """Tell whether a message is the result of a request."""
    message = json.loads(line)
    return "result" in message and message.get("id") == request


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
