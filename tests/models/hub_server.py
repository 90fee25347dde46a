"""A hub on this machine: what huggingface_hub asks for, answered from a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.loopback import listening


class _Handler(BaseHTTPRequestHandler):
    """Answers for the one repository that a subclass names."""

    protocol_version = "HTTP/1.1"
    folder: Path
    hub_id: str
    revision: str
    commit: str
    """What the revision stands for, as ``main`` does for the newest commit."""
    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        path = path.replace(f"/{self.commit}", f"/{self.revision}")
        files = f"{self.hub_id}/resolve/{self.revision}/"
        if path == f"api/models/{self.hub_id}/revision/{self.revision}":
            names = [{"rfilename": name} for name in self.names()]
            self.answer(json.dumps({"id": self.hub_id, "sha": self.commit, "siblings": names}).encode())
        elif path == f"api/models/{self.hub_id}/tree/{self.revision}":
            self.answer(json.dumps([self.entry(name) for name in self.names()]).encode())
        elif path.startswith(files):
            self.asked.append(path.removeprefix(files))
            self.answer((self.folder / path.removeprefix(files)).read_bytes())
        else:
            self.answer(b'{"error": "Repository not found"}', 404, "RepoNotFound")

    def answer(self, content: bytes, status: int = 200, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.commit)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def entry(self, name: str) -> dict[str, object]:
        content = (self.folder / name).read_bytes()
        return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}


@contextmanager
def serve(folder: Path, hub_id: str, revision: str) -> Iterator[tuple[str, list[str]]]:
    """Serve one repository at one revision; gives the endpoint and the list of files that were asked for."""
    asked: list[str] = []
    commit = revision if len(revision) == 40 else hashlib.sha1(revision.encode()).hexdigest()
    facts = {"folder": folder, "hub_id": hub_id, "revision": revision, "commit": commit, "asked": asked}
    with listening(type("Handler", (_Handler,), facts)) as root:
        yield root, asked
