"""``coderank eval`` on a set of three documents and on a repository of two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.reranking.tiny_pairs import write_counter, write_vocabulary

from coderank.cli import evaluating
from coderank.cli.evaluating import Plan
from coderank.cli.progress import Asking
from coderank.evaluation import datasets
from coderank.loading.choice import bundled_model
from coderank.settings import Settings
from coderank.types import Progress

if TYPE_CHECKING:
    from tests.cli.conftest import World

DOCUMENTS = {
    "push": "def push(ring, item):\n    ring.items[ring.head] = item\n",
    "login": "def check_password(user, password):\n    return user.hash == digest(password)\n",
    "parse": "def parse_header(line):\n    name, _, value = line.partition(':')\n    return name, value\n",
}
QUERIES = {"q1": "compare the password of a user", "q2": "split a header line into name and value"}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    rows = [json.dumps({"_id": name, "text": text}) for name, text in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows))
    asked = [json.dumps({"_id": name, "text": text}) for name, text in QUERIES.items()]
    (folder / "queries.jsonl").write_text("\n".join(asked))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tlogin\t1\nq2\tparse\t1\n")
    return folder


def test_a_set_is_measured_in_every_mode_and_again_against_itself(world: World, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = world.run("eval", str(dataset), "--lang", "python", "--mode", "all", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "tiny: 2 questions" in done.stdout
    assert "\nmodel: " in done.stdout
    assert sorted(file.name for file in out.iterdir()) == [
        f"{bundled_model()}-dense.json",
        f"{bundled_model()}-hybrid.json",
        f"{bundled_model()}-lexical.json",
        "report.html",
        "report.md",
    ]
    earlier = out / f"{bundled_model()}-hybrid.json"
    found = json.loads(earlier.read_text())
    assert found["means"]["ndcg@10"] == 1.0
    assert [one["found"][0] for one in found["answers"]] == ["login", "parse"]
    again = world.run("eval", str(dataset), "--lang", "python", "--against", str(earlier), "--format", "json")
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert report["differences"][0]["ndcg@10"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_reranking_is_measured_and_said(world: World, dataset: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    write_vocabulary(pairs)
    write_counter(pairs / "model.onnx")
    judged = world.having("CODERANK_RERANK_FOLDER", str(pairs)).having("CODERANK_RERANK_BUDGET_MS", "60000")
    done = judged.run("eval", str(dataset), "--lang", "python", "--rerank", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "note: reranking: cross-encoder, complete, 2 questions" in done.stderr
    run = json.loads((tmp_path / "out" / f"{bundled_model()}-hybrid-rerank.json").read_text())
    assert run["rerank"] is True
    assert run["stages"]["rerank"] > 0


@pytest.fixture
def localisation(tmp_path: Path) -> Path:
    folder = tmp_path / "places"
    (folder / "annotations").mkdir(parents=True)
    (folder / "repos.json").write_text('[{"name": "repo", "language": "python"}]')
    asked = [{"query": "where is the password compared?", "category": "semantic", "relevant": ["src/login.py"]}]
    (folder / "annotations" / "repo.json").write_text(json.dumps(asked))
    return folder


def test_a_repository_is_asked_where_it_lies(world: World, localisation: Path) -> None:
    repositories = str(world.repo.parent)
    done = world.run("eval", str(localisation), "--repos", repositories, "--mode", "lexical", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["measures"]["ndcg@10"] == 1.0
    assert not (world.repo / ".coderank").exists()


def test_who_watches_is_told_of_every_search(dataset: Path, tmp_path: Path) -> None:
    events: list[Progress | Asking] = []
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", background=False)
    plan = Plan(datasets.load(dataset, (), "python"), None, ("hybrid", "lexical"), False, settings, events.append)
    evaluating.run(plan, "auto")
    assert isinstance(events[0], Progress)
    assert events[-4:] == [Asking(done, 4) for done in range(1, 5)]


def test_answers_that_a_repository_lacks_are_a_note(world: World, localisation: Path) -> None:
    file = localisation / "annotations" / "repo.json"
    file.write_text(file.read_text().replace("src/login.py", "src/logout.py"))
    done = world.run("eval", str(localisation), "--repos", str(world.repo.parent), "--mode", "lexical")
    assert done.returncode == 0
    assert "note: repo lacks 1 of 1 answers" in done.stderr


def test_what_is_missing_is_named(world: World, localisation: Path, tmp_path: Path) -> None:
    without = world.run("eval", str(localisation))
    assert (without.returncode, "--repos DIR" in without.stderr) == (2, True)
    elsewhere = world.run("eval", str(localisation), "--repos", str(tmp_path / "none"))
    assert (elsewhere.returncode, "Lay out repo in" in elsewhere.stderr) == (2, True)
    nothing = world.run("eval", str(tmp_path / "none"))
    assert (nothing.returncode, "neither corpus.jsonl nor repos.json" in nothing.stderr) == (2, True)
