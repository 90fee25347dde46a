"""A package mirror on loopback, with source archives that are made here."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Literal

from tests.loopback import listening
from training.packages import Package


def archive(files: Mapping[str, str], packing: Literal["w:gz", "w:xz"] = "w:gz") -> bytes:
    """Pack files as they lie in a source archive."""
    out = io.BytesIO()
    with tarfile.open(None, packing, out) as packed:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def package(name: str, data: bytes, index: str = "debian", language: str = "python") -> Package:
    """Pin an archive."""
    sha256 = hashlib.sha256(data).hexdigest()
    return Package(name, "1", language, ("Expat",), f"pool/{name}", f"{name}.tar", sha256, len(data), index)


@contextmanager
def serve(files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve files by path; give the root, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path.lstrip("/"))
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with listening(Handler) as root:
        yield root, asked
