"""``coderank migrate`` as a process: what it says, and what is there after it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import World
from tests.indexing.indexing_world import source
from tests.tiny_model import settings_with_tiny


@pytest.fixture
def app(world: World, tmp_path: Path) -> World:
    settings_with_tiny(tmp_path)
    made = world.having("CODERANK_MODELS_FILE", str(tmp_path / "models.toml")).having("CODERANK_MODEL", "small")
    for number in range(30):
        (made.repo / f"part{number}.py").write_text(source(f"part{number}"))
    assert made.run("index").returncode == 0
    return made


def model(app: World) -> str:
    status = app.run("status", "--format", "json")
    assert status.returncode == 0, status.stderr
    found = json.loads(status.stdout)
    assert found["dense_coverage"] == 1.0
    return str(found["model"])


def test_planned_moved_rolled_back_and_dropped(app: World) -> None:
    planned = app.run("migrate", ".", "--model", "tiny", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    facts = {line[:12].strip(): line[12:] for line in planned.stdout.splitlines()}
    assert (facts["from"], facts["to"]) == ("small (16-d)", "tiny (32-d)")
    assert facts["begun"] == "planned"
    assert facts["precision"].startswith("fp32 on this machine")
    assert model(app) == "small"

    moved = app.run("migrate", ".", "--model", "tiny", "--verbose")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.startswith(f".: on tiny (32-d): {facts['points']} points, {facts['points']} embedded, in ")
    assert "embedded again: cosine 1.0000 at least" in moved.stdout
    assert ".: embedding points" in moved.stderr
    assert model(app) == "tiny"
    assert app.run("migrate", ".", "--model", "tiny").stdout == ".: on tiny (32-d) already\n"

    back = app.run("migrate", ".", "--rollback")
    assert back.stdout == ".: back on small (16-d); the new points are kept\n"
    assert model(app) == "small"
    assert app.run("migrate", ".").returncode == 0
    assert model(app) == "tiny"

    unsure = app.run("migrate", ".", "--drop-old")
    assert (unsure.returncode, unsure.stdout) == (130, "")
    dropped = app.run("migrate", ".", "--drop-old", "--yes")
    assert dropped.stdout.startswith(".: the points made with small (16-d) are deleted; ")
    assert "RingBuffer" in app.run("search", "overwrite the oldest item").stdout


def test_drawn_questions_gate_a_move_on_copies_without_their_answers(app: World, tmp_path: Path) -> None:
    for number in range(8):
        text = f'def thing{number}(value):\n    """Turn around the wheel {number} of the wagon."""\n    return value\n'
        (app.repo / f"documented{number}.py").write_text(text + "\n    # more\n" * 3)
    assert app.run("index").returncode == 0
    questions = tmp_path / "questions.jsonl"
    drawn = app.run("compare", ".", ".", "--generate", "20", "--queries", str(questions))
    assert drawn.returncode == 0, drawn.stderr
    asked = [json.loads(line) for line in questions.read_text().splitlines()]
    assert any(one.get("hides") for one in asked)
    gate = ["migrate", ".", "--model", "tiny", "--gate", "--queries", str(questions), "--max-loss"]
    done = app.run(*gate, "1", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "nDCG@10" in done.stdout
    assert model(app) == "tiny"
    found = json.loads(app.run("search", "turn around the wheel 3", "--format", "json").stdout)
    assert any("Turn around the wheel" in hit["content"] for hit in found["results"]), "only copies lack the lines"


def test_several_have_one_summary_and_one_may_fail(app: World) -> None:
    src = app.repo / "src"
    assert app.run("index", str(src)).returncode == 0
    done = app.run("migrate", ".", "nowhere", str(src), "--model", "tiny", "--keep-going")
    assert done.returncode == 1
    rows = done.stdout.splitlines()
    assert rows[0].split() == ["collection", "state", "points", "embedded", "refused", "no", "text", "time"]
    assert rows[1].startswith(".  ")
    assert rows[2].startswith("nowhere")
    assert "failed: No such file or directory: 'nowhere'" in rows[2]
    assert rows[3].startswith(str(src))
    assert len(rows) == 4


def test_wrong_wishes_change_nothing(app: World) -> None:
    for arguments, message in (
        (["--model", "tiny", "--dimension", "768"], "tiny gives vectors of 32 numbers, not of 768. Leave --dimension"),
        (["--model", "tinny"], "no model is called 'tinny'"),
        ([], "Nothing was begun with .. Say which model to move to: --model M"),
        (["--model", "tiny", "--resume"], "No move of . to tiny (32-d) was begun. Begin one: coderank migrate ."),
        (["--rollback"], "Nothing was begun"),
        (["--rollback", "--drop-old"], "exclude each other"),
    ):
        refused = app.run("migrate", ".", *arguments)
        assert refused.returncode == 2
        assert message in refused.stderr
    assert model(app) == "small"


def test_a_gate_decides(app: World) -> None:
    (app.repo / "right.jsonl").write_text('{"query": "part7_1 compute", "relevant": ["part7.py"]}\n')
    (app.repo / "open.txt").write_text("part7_1 compute\n")
    alone = app.run("migrate", ".", "--model", "tiny", "--gate")
    assert (alone.returncode, "need each other" in alone.stderr) == (2, True)
    unjudged = app.run("migrate", ".", "--model", "tiny", "--gate", "--queries", "open.txt")
    assert unjudged.returncode != 0
    assert model(app) == "small"
    passed = app.run("migrate", ".", "--model", "tiny", "--gate", "--queries", "right.jsonl", "--verbose")
    assert passed.returncode == 0, passed.stderr
    assert "nDCG@10" in passed.stdout
    assert model(app) == "tiny"


def kill(app: World, delay: float, *arguments: str) -> None:
    process = subprocess.Popen(
        app.command("migrate", ".", *arguments), cwd=app.repo, env=app.environment, stdout=-3, stderr=-3
    )
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_it_goes_on(app: World) -> None:
    """Killed at growing delays, in whatever it is at; searches are answered in between."""
    for delay in (0.5, 0.7, 0.9, 1.1, 1.3):
        kill(app, delay, "--model", "tiny")
        assert "part7.py" in app.run("search", "part7_1 compute").stdout
    moved = app.run("migrate", ".", "--resume")
    assert moved.returncode == 0, moved.stderr
    assert model(app) == "tiny"
    assert "part7.py" in app.run("search", "part7_1 compute").stdout


def test_an_index_of_an_older_version_is_cut_anew(app: World) -> None:
    """Its record says that it was cut by other rules; killed at growing delays, it goes on."""
    (record,) = Path(app.environment["CODERANK_DATA_DIR"]).rglob("index.json")
    found = json.loads(record.read_bytes())
    found["fingerprint"]["chunker"] = "0"
    record.write_text(json.dumps(found))
    refused = app.run("search", "part7_1 compute")
    assert (refused.returncode, "coderank migrate ." in refused.stderr) == (1, True)
    planned = app.run("migrate", ".", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "cut anew from the source" in planned.stdout
    for delay in (0.6, 0.9, 1.2):
        kill(app, delay)
    moved = app.run("migrate", ".")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.startswith(".: on small (16-d), chunker ")
    assert model(app) == "small"
    assert "part7.py" in app.run("search", "part7_1 compute").stdout
    back = app.run("migrate", ".", "--rollback")
    assert "by the older version only" in back.stdout
