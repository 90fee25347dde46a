"""Reranking as a user meets it: through the engine and the command, with a real cross-encoder and a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reranking import shipped_pairs
from tests.reranking.endpoint_server import refused, serving
from tests.reranking.judges import passage
from tests.reranking.tiny_pairs import write_counter, write_vocabulary

from coderank import Engine
from coderank.errors import ConfigurationError
from coderank.settings import Settings
from coderank.types import SearchResult, Stage

SIZE = 12
LAST = f"passage {SIZE}.py"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", rerank_budget_ms=60_000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files of which a judge knows the true order; the last one has many letters z."""
    folder = tmp_path / "app"
    folder.mkdir()
    for grade in range(1, SIZE):
        (folder / f"passage {grade}.py").write_text(passage(grade))
    (folder / LAST).write_text("def passage_of(z):\n    return z + z + z\n")
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A cross-encoder whose score is how often a pair has the letter z."""
    folder = tmp_path / "pairs"
    write_vocabulary(folder)
    write_counter(folder / "model.onnx")
    return folder


QUERY = "which passage returns a table"


def asked(root: Path, settings: Settings, query: str = QUERY, limit: int = SIZE) -> SearchResult:
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        return engine.search(query, limit=limit, rerank=True)


def raised(root: Path, settings: Settings, reranked: SearchResult) -> bool:
    """Tell whether the file that the cross-encoder scores best gained on the others, which have their say as well."""
    with Engine.open(root, settings=settings) as engine:
        plain = {hit.path: hit.score for hit in engine.search(QUERY, limit=SIZE)}
    gains = {hit.path: hit.score - plain[hit.path] for hit in reranked}
    return gains[LAST] > 0 and max(gains, key=gains.__getitem__) == LAST


def stage(result: SearchResult) -> Stage:
    return result.stages[-1]


def test_a_cross_encoder_reorders_and_says_so(root: Path, settings: Settings, pairs: Path) -> None:
    found = asked(root, replace(settings, rerank_folder=pairs))
    assert raised(root, settings, found)
    assert len(asked(root, replace(settings, rerank_folder=pairs), limit=3)) == 3
    assert (stage(found).name, stage(found).detail) == ("rerank", f"cross-encoder on {SIZE} candidates, complete")


def test_the_cross_encoder_that_comes_with_coderank_is_taken_where_none_is_named(
    root: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped_pairs.install(tmp_path / "package", monkeypatch)
    found = asked(root, settings)
    assert raised(root, settings, found)
    assert stage(found).detail == f"coderank-mini-rerank on {SIZE} candidates, complete"


def test_an_endpoint_brings_out_the_true_order(root: Path, settings: Settings) -> None:
    with serving() as server:
        judged = replace(
            settings, rerank_url=server.url, rerank_model="judge", rerank_strategy="sliding", rerank_budget_ms=600_000
        )
        first = asked(root, judged)
        found = asked(root, judged)
    # Nothing is known of its speed at first, so one window is tried.
    assert stage(first).detail.startswith("judge on 10 candidates, partial: 10 of 12 candidates fit")
    grades = [int(hit.path.split()[1].removesuffix(".py")) for hit in found]
    # Blended with the retrieval's own scores, so near its place rather than in it.
    assert max(abs(place - grade) for place, grade in enumerate(grades, 1)) <= 4
    assert sorted(grades[:4])[:2] == [1, 2]
    assert stage(found).detail == f"judge on {SIZE} candidates, complete"


def test_what_a_query_is_can_be_chosen(root: Path, settings: Settings) -> None:
    prompts = []
    for variant in ("docstring", "github_issue"):
        with serving() as server:
            asked(root, replace(settings, rerank_url=server.url, rerank_prompt=variant))
        prompts.append(server.requests[0]["messages"][0]["content"])
    assert prompts[0] != prompts[1]


def test_a_dead_endpoint_is_told_and_the_cross_encoder_steps_in(root: Path, settings: Settings, pairs: Path) -> None:
    with serving(lambda *_: refused(401)) as server:
        both = replace(settings, rerank_url=server.url, rerank_folder=pairs)
        found = asked(root, both)
    assert raised(root, settings, found)
    assert "failed" in stage(found).detail
    assert "cross-encoder on" in stage(found).detail


def test_a_failure_leaves_the_retrievals_order_and_says_so(
    root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.loading.rerankers.CROSS_ENCODERS", ())
    with serving(lambda *_: refused(500)) as server:
        found = asked(root, replace(settings, rerank_url=server.url, rerank_budget_ms=2_000))
    with Engine.open(root, settings=settings) as engine:
        plain = engine.search(found.query, limit=SIZE)
    assert [hit.path for hit in found] == [hit.path for hit in plain]
    assert stage(found).detail.startswith("failed: ")


def test_a_name_is_not_reranked(root: Path, settings: Settings, pairs: Path) -> None:
    found = asked(root, replace(settings, rerank_folder=pairs), query="passage_of")
    assert stage(found).detail == "skipped: the query is a name"


def test_without_a_reranker_nothing_is_searched(
    root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coderank.loading.rerankers.CROSS_ENCODERS", ())
    with Engine.open(root, settings=settings) as engine:
        engine.index()
        with pytest.raises(ConfigurationError, match=r"coderank models pull ms-marco-minilm-l6-v2"):
            engine.search("anything at all", rerank=True)


def test_weights_of_a_language_model_are_checked_before(root: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"CODERANK_RERANK_LLM"):
        asked(root, replace(settings, rerank_llm=tmp_path / "nowhere"))


def test_the_command_says_on_stderr_what_became_of_it(root: Path, settings: Settings, pairs: Path) -> None:
    environment = os.environ | {
        "CODERANK_DATA_DIR": str(settings.data_dir),
        "CODERANK_CACHE_DIR": str(settings.cache_dir),
        "CODERANK_RERANK_FOLDER": str(pairs),
        "CODERANK_RERANK_BUDGET_MS": "60000",
    }
    command = [sys.executable, "-m", "coderank", "search", QUERY, str(root), "--rerank"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "passage" in done.stdout.splitlines()[0]
    assert done.stderr.startswith(f"rerank: cross-encoder on {SIZE} candidates, complete")
    doctor = subprocess.run([*command[:3], "doctor"], env=environment, capture_output=True, text=True, check=True)
    assert "within 60000 ms: cross-encoder answers, " in doctor.stdout
