"""``coderank compare`` on two real indexes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.tiny_model import settings_with_tiny

if TYPE_CHECKING:
    from tests.cli.conftest import World

QUESTIONS = [
    {"query": "compare a password with the stored hash", "relevant": ["src/login.py"]},
    {"query": "overwrite the oldest item of the buffer", "relevant": ["src/ring.py"]},
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)))
    return file


@pytest.fixture
def poorer(world: World) -> Path:
    """A copy of the repository without one of the answers, indexed in a folder of its own; the original is, too."""
    copy = world.repo.parent / "poorer"
    shutil.copytree(world.repo, copy)
    (copy / "src" / "login.py").unlink()
    assert world.run("index", str(world.repo)).returncode == 0
    assert world.run("index", str(copy), "--index-dir", str(copy.parent / "other")).returncode == 0
    return copy.parent / "other"


def test_a_loss_is_an_exit_code_and_the_page_is_written(world: World, questions: Path, poorer: Path) -> None:
    page = questions.with_name("page.html")
    options = ["--queries", str(questions), "--max-loss", "0.1", "--out", str(page), "--format", "json"]
    done = world.run("compare", str(world.repo), str(poorer), *options)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"]["passed"] is False
    assert (found["judged"]["worse"], found["judged"]["better"]) == (1, 0)
    assert found["judged"]["old"]["ndcg@10"] == 1.0
    assert found["old"]["disk_bytes"] > 0
    assert found["old"]["peak_mib"] > 20
    assert "failed: nDCG@10" in page.read_text("utf-8")
    back = world.run("compare", str(poorer), str(world.repo), *options[:4])
    assert back.returncode == 0, back.stderr
    assert "passed: nDCG@10" in back.stdout


def test_what_cannot_be_compared_is_named(world: World, questions: Path, tmp_path: Path) -> None:
    never = world.run("compare", str(world.repo), str(world.repo), "--queries", str(questions))
    assert never.returncode == 1
    assert "was never indexed" in never.stderr
    assert f"coderank index {world.repo}" in never.stderr
    nothing = world.run("compare", "nowhere", str(world.repo), "--queries", str(questions))
    assert (nothing.returncode, "'nowhere' is no indexed path" in nothing.stderr) == (2, True)
    bare = tmp_path / "bare.txt"
    bare.write_text("where?")
    unjudged = world.run("compare", str(world.repo), str(world.repo), "--queries", str(bare), "--max-loss", "0.01")
    assert (unjudged.returncode, "a loss cannot be judged" in unjudged.stderr) == (2, True)


def test_a_collection_is_compared_by_its_name(world: World, questions: Path, tmp_path: Path) -> None:
    file = tmp_path / "collections.json"
    file.write_text(json.dumps({"mine": {"sources": [{"path": str(world.repo)}]}}))
    configured = world.having("CODERANK_COLLECTIONS_FILE", str(file))
    assert configured.run("index", "--collection", "mine").returncode == 0
    assert configured.run("index", str(world.repo)).returncode == 0
    done = configured.run("compare", "mine", str(world.repo), "--queries", str(questions), "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["likeness"]["overlap@10 of files"] == 1.0


def test_questions_are_drawn_and_their_answers_hidden_in_copies(world: World, tmp_path: Path) -> None:
    (world.repo / "src" / "queue.py").write_text(
        'def drain(queue):\n    """Take every waiting job out of the line."""\n    jobs = list(queue.jobs)\n'
        "    queue.jobs.clear()\n    return jobs\n"
    )
    assert world.run("index", str(world.repo)).returncode == 0
    written = tmp_path / "drawn.jsonl"
    arguments = ["compare", str(world.repo), str(world.repo), "--generate", "5", "--queries", str(written)]
    done = world.run(*arguments, "--max-loss", "0", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "drew 2 questions: 2 from doc strings" in done.stderr
    rows = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    assert {row["query"]: row["hides"][0]["start_line"] for row in rows}["Take every waiting job out of the line"] == 2
    assert json.loads(done.stdout)["verdict"]["passed"]
    twice = world.run(*arguments)
    assert (twice.returncode, "is there already" in twice.stderr) == (2, True)
    again = world.run("compare", str(world.repo), str(world.repo), "--queries", str(written))
    assert again.returncode == 0, again.stderr
    found = world.run("search", "Take every waiting job out of the line", str(world.repo)).stdout
    assert "queue.py:1-5" in found.splitlines()[0]
    assert "Take every waiting job" in found
    nothing = world.run("compare", str(world.repo), str(world.repo))
    assert (nothing.returncode, "nothing to ask" in nothing.stderr) == (2, True)


def test_what_a_migration_left_is_compared_with_what_is_in_use(world: World, questions: Path, tmp_path: Path) -> None:
    settings_with_tiny(tmp_path)
    app = world.having("CODERANK_MODELS_FILE", str(tmp_path / "models.toml")).having("CODERANK_MODEL", "small")
    assert app.run("index").returncode == 0
    early = app.run("compare", ".@old", ".", "--queries", str(questions))
    assert (early.returncode, "no migration of it is on record" in early.stderr) == (1, True)
    assert app.run("migrate", ".", "--model", "tiny").returncode == 0
    done = app.run("compare", ".@old", ".", "--queries", str(questions), "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(found[side]["name"], found[side]["model"]) for side in ("old", "new")] == [
        (".@old", "small"),
        (".", "tiny"),
    ]
    assert found["old"]["chunks"] == found["new"]["chunks"]
    drawn = app.run("compare", ".@old", ".@new", "--generate", "3", "--mode", "lexical", "--max-loss", "0")
    assert drawn.returncode == 0, drawn.stderr
