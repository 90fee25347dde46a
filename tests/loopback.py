"""A web server of a test on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LOOKS_S = 0.01
"""How often it looks whether it is to end; the library's own half a second is most of a test."""


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], before_end: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Answer by ``handler`` until the block ends, and give the root of the server's addresses."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(LOOKS_S,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        before_end()
        server.shutdown()
        server.server_close()
        thread.join()
