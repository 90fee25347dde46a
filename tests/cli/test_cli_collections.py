"""``--collection`` and ``coderank collections`` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import World


@pytest.fixture
def described(world: World, tmp_path: Path) -> World:
    """A world with a file of two collections."""
    file = tmp_path / "collections.json"
    sources = [{"path": str(world.repo / "src")}, {"path": str(world.repo / "docs"), "name": "handbook"}]
    file.write_text(json.dumps({"app": {"sources": sources}, "later": {}}))
    return world.having("CODERANK_COLLECTIONS_FILE", str(file))


def test_search_indexes_a_collection_first(described: World) -> None:
    done = described.run("search", "sign in with a password", "--collection", "app", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    paths = {hit["path"] for hit in json.loads(done.stdout)["results"]}
    assert {"src/login.py", "handbook/guide.md"} <= paths


def test_index_then_ask(described: World) -> None:
    done = described.run("index", "--collection", "app")
    assert done.stdout.startswith("app: 4 files (4 changed, 0 deleted)")
    shown = described.run("search", "overwrite the oldest item", "--collection", "app", "-k", "1", "--path", "src/**")
    assert "ring.py:" in shown.stdout
    alike = described.run("related", "src/ring.py:7", "--collection", "app", "--format", "json")
    assert json.loads(alike.stdout)["results"][0]["path"] != "src/ring.py"
    status = json.loads(described.run("status", "--collection", "app", "--format", "json").stdout)
    assert (status["files"], status["changed_since"], status["dense_coverage"]) == (4, 0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--collection", "ap"], "has no collection 'ap'. Did you mean app?"),
        (["search", "x", "--collection", "later"], "has no sources"),
        (["status", "--collection", "app"], "never indexed. Run: coderank index --collection app"),
        (["related", "src/nowhere.py:1", "--collection", "app"], "The index has no src/nowhere.py"),
    ],
)
def test_what_cannot_be_is_one_line_with_a_remedy(described: World, arguments: list[str], message: str) -> None:
    done = described.run(*arguments)
    assert done.returncode in {1, 2}
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
