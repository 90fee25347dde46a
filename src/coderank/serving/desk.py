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
import threading
from typing import TYPE_CHECKING, Any

from coderank import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer, WriteableBuffer

VERSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
"""Versions of the protocol that begin with ``initialize`` and that the library speaks, as it is told by a test. Whoever
asks for another one, or begins otherwise, is answered by the library."""
FIRST_LINE_BYTES = 1 << 20
"""A longer first line is left to the library."""
MAX_LINE_BYTES = 16 << 20
"""A longer line is no question: it is refused, and not kept until its end comes."""
PIECE_BYTES = 1 << 16
"""What is read at one time: as much as a pipe holds."""


_TOO_LONG = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32600, "message": f"A line has more than {MAX_LINE_BYTES:,} bytes. Send less"},
    }
).encode()


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

        Returns whether there is a client: the input did not end before, and somebody reads the output.
        """
        self._first = _line(self._input)
        request = _initialize(self._first)
        if request is not None:
            answer = {"jsonrpc": "2.0", "id": request["id"], "result": self._greeting(request["params"])}
            try:
                _write(self._output, json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            except BrokenPipeError:
                return False
            self._greeted = request["id"]
        return bool(self._first)

    def hand_over(self, refusal: Callable[[bytes], bytes | None]) -> None:
        """Let the library read everything from the first line on, as the process's standard streams.

        Its own answer to what was answered here is dropped; if that is an error, it is passed on. ``refusal`` gives
        the answer to a line that the library would drop without one, and None for the others.
        """
        output = _Output(self._output, self._greeted, self.hang_up)
        source = _Input(self._first, self._input, self._wake, refusal, output.send)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(source), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(output, encoding="utf-8")

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
    """The first line, then the rest of the stream, line by line. Has no descriptor, so that nobody reads past it."""

    def __init__(
        self,
        first: bytes,
        descriptor: int,
        wake: int,
        refusal: Callable[[bytes], bytes | None],
        answer: Callable[[bytes], None],
    ) -> None:
        self._descriptor = descriptor
        self._wake = wake
        self._refusal = refusal
        self._answer = answer
        self._begun = bytearray()
        self._ready = bytearray()
        self._ended = False
        self._skipping = False
        """Whether the line that comes in was refused already."""
        self._take(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            self._take(b"" if self._hung_up() else os.read(self._descriptor, PIECE_BYTES))
        data = self._ready[: len(view)]
        del self._ready[: len(view)]
        view[: len(data)] = data
        return len(data)

    def _take(self, piece: bytes) -> None:
        """Take a piece of the stream in, and the lines out that it makes whole; at the end whatever is left."""
        self._ended = not piece
        if self._skipping:
            _, end, piece = piece.partition(b"\n")
            self._skipping = not end
            if not piece:
                return
        self._begun += piece
        if piece and b"\n" not in piece:
            if len(self._begun) > MAX_LINE_BYTES:
                self._answer(_TOO_LONG)
                self._begun, self._skipping = bytearray(), True
            return
        lines = bytes(self._begun).split(b"\n")
        self._begun = bytearray(lines.pop() if piece else b"")
        for line in lines:
            refused = self._refusal(line) if line.strip() else b""
            if refused is None:
                self._ready += line + b"\n"
            elif refused:
                self._answer(refused)

    def _hung_up(self) -> bool:
        """Wait until there is something to read, and tell whether it is the end."""
        if sys.platform == "win32":  # select knows no pipes there, and nobody sends such signals
            return False
        readable, _, _ = select.select([self._descriptor, self._wake], [], [])
        return self._wake in readable


class _Output(io.BufferedIOBase):
    """Writes whole messages, all but the answer that was given already. Safe among threads."""

    def __init__(self, descriptor: int, greeted: Any, nobody_reads: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._greeted = greeted
        self._nobody_reads = nobody_reads
        self._pending = b""
        self._lock = threading.Lock()

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
                self.send(line)
        return len(written)

    def send(self, message: bytes) -> None:
        """Send one message; where the client reads no more, all ends as if it had closed the input, too."""
        try:
            with self._lock:
                _write(self._descriptor, message + b"\n")
        except BrokenPipeError:
            self._nobody_reads()


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
        piece = os.read(descriptor, PIECE_BYTES)
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
