"""What can be known of deploy/ without a container engine: its structure, and the programs in it.

Nothing here proves that an image builds or that containers find each other.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from coderank.collections.config import load

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSITIONS = {
    "compose.yaml": {"qdrant", "coderank"},
    "cluster.compose.yaml": {"qdrant-1", "qdrant-2", "qdrant-3", "coderank"},
}


def composition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, rest), continued lines joined."""
    text = re.sub(
        r"\\\n\s*",
        "",
        "\n".join(line for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")),
    )
    found = [line.split(" ", 1) for line in text.splitlines() if line.strip()]
    return [(name, rest) for name, rest in found]


@pytest.mark.parametrize(("name", "services"), COMPOSITIONS.items())
def test_a_composition_has_its_services_and_volumes(name: str, services: set[str]) -> None:
    found = composition(name)
    assert set(found["services"]) == services
    for service in found["services"].values():
        assert ("image" in service) != ("build" in service)
        for volume in service["volumes"]:
            source = volume.split(":")[0] if not volume.startswith("$") else ""
            assert source.startswith(".") or not source or source in found["volumes"]
            if source.startswith("."):
                assert (DEPLOY / source).is_file()
        if service.get("image", "").startswith("qdrant/"):
            kept = dict(reversed(volume.split(":")) for volume in service["volumes"])
            assert set(kept) == {"/qdrant/storage", "/qdrant/snapshots"}, "a backup outlives its container"
            assert len(set(kept.values())) == 2
        for other in service.get("depends_on", []):
            assert other in services


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_nothing_is_open_to_others_and_no_secret_is_written(name: str) -> None:
    for service in composition(name)["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")
        secrets = {key: value for key, value in service["environment"].items() if re.search("KEY|TOKEN", key)}
        assert secrets
        assert all(re.fullmatch(r"\$\{\w+:\?.*\}", value) for value in secrets.values())
        if "image" in service:
            assert service["image"].endswith("-unprivileged")
            assert re.search(r":v\d+\.\d+\.\d+", service["image"]), "a version, not what is latest today"


def test_nodes_of_a_cluster_find_each_other() -> None:
    found = composition("cluster.compose.yaml")["services"]
    for name in ("qdrant-1", "qdrant-2", "qdrant-3"):
        node = found[name]
        assert node["environment"]["QDRANT__CLUSTER__ENABLED"] == "true"
        assert node["command"][-2:] == ["--uri", f"http://{name}:6335"]
        assert ("--bootstrap" in node["command"]) == (name != "qdrant-1")
        assert node["networks"]["default"]["aliases"] == ["qdrant"]
    assert found["coderank"]["environment"]["QDRANT_URL"] == "http://qdrant:6333"


def test_variables_are_those_of_the_example() -> None:
    used = {name for file in COMPOSITIONS for name in re.findall(r"\$\{(\w+)", (DEPLOY / file).read_text("utf-8"))}
    described = re.findall(r"^(\w+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in described} == used
    assert all(not value for name, value in described if name != "CODE_DIR")


@pytest.mark.parametrize(("name", "shards"), [("collections.json", None), ("cluster_collections.json", 6)])
def test_the_collections_can_be_loaded(name: str, shards: int | None) -> None:
    (collection,) = load(DEPLOY / name).values()
    assert collection.store is not None
    assert collection.store.shard_number == shards


@pytest.mark.parametrize(
    ("name", "file"), [("compose.yaml", "collections.json"), ("cluster.compose.yaml", "cluster_collections.json")]
)
def test_every_collection_of_a_composition_is_served(name: str, file: str) -> None:
    command = composition(name)["services"]["coderank"]["command"]
    served = [value for option, value in pairwise(command) if option == "--collection"]
    assert served == list(load(DEPLOY / file))


def test_the_image_is_slim_and_not_root() -> None:
    found = instructions()
    bases = [rest for name, rest in found if name == "FROM"]
    assert all("-slim" in base for base in bases)
    assert [rest for name, rest in found if name == "USER"] == ["10001"]
    last = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    assert "pip" not in " ".join(rest for _, rest in found[last:]), "what builds stays behind"
    assert ("VOLUME", "/data") in found
    assert ("EXPOSE", "8377") in found
    health = next(rest for name, rest in found if name == "HEALTHCHECK")
    assert json.loads(health[health.index("[") :]) == ["python", "/opt/coderank/healthcheck.py"]


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in let_in


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        right = self.path == "/health" and self.headers["Authorization"] == "Bearer a-secret-of-the-server"
        self.send_response(self.status if right else 401)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.mark.parametrize(
    ("status", "token", "code"),
    [(200, "a-secret-of-the-server", 0), (503, "a-secret-of-the-server", 1), (200, "wrong", 1), (0, "", 1)],
)
def test_the_health_check_tells_sound_from_sick(status: int, token: str, code: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Health,), {"status": status}))
    url = f"http://127.0.0.1:{server.server_port}/health"
    if status:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    else:
        server.server_close()
    done = subprocess.run(
        [sys.executable, DEPLOY / "healthcheck.py"],
        env={"CODERANK_HEALTH_URL": url, "CODERANK_SERVE_TOKEN": token},
        capture_output=True,
        check=False,
    )
    assert done.returncode == code
    if status:
        server.shutdown()
    server.server_close()
