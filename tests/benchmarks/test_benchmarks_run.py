"""The retrieval benchmarks from end to end, on data of a few lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.localisation_report import DisagreementError
from benchmarks.results import read_all
from tests.reranking import shipped_pairs

from benchmarks import bench, http_load, localisation, offline_rerank, serving, sets, static_tier
from coderank.cli import benching

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "src/tokens.py": "def read_tokens(text):\n    return text.split()\n",
    "src/paint.py": "def paint_circle(radius):\n    return f'circle of {radius}'\n",
}
ITEMS = [
    {"query": "read_tokens", "relevant": ["tokens.py"], "category": "symbol"},
    {"query": "how is a circle drawn", "relevant": [{"path": "paint.py", "start_line": 1, "end_line": 2}]}
    | {"category": "semantic"},
]
# Whatever is predicted, both files come in the order asked for: a perfect score.
SCORE = """
print(f"{'one':16s} chunks PERFECT  files 1.0000")
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "annotations").mkdir(parents=True)
    (folder / "repos.json").write_text(json.dumps([{"name": "one", "language": "python", "benchmark_root": "src"}]))
    (folder / "annotations" / "one.json").write_text(json.dumps(ITEMS))
    (folder / "score.py").write_text(SCORE.replace("PERFECT", "1.0000"))
    for name, text in FILES.items():
        file = tmp_path / "repositories" / "one" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_localisation_from_questions_to_a_result(data: Path, tmp_path: Path) -> None:
    localisation.main([str(data), str(tmp_path / "repositories"), "--headers", "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["localisation"]
    assert found["bars"]["localisation_ndcg"] == 1.0
    assert found["details"]["questions"] == 2
    variants = found["details"]["variants"]
    assert {"as shipped", "lexical leg alone", "without stem", "without header"} <= set(variants)
    assert variants["without stem"]["shipped_minus_this"].keys() == {"mean", "low", "high"}


def test_reranking_offline_from_questions_to_a_result(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped_pairs.install(tmp_path / "package", monkeypatch)
    offline_rerank.main([str(data), str(tmp_path / "repositories"), "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["offline-rerank"]
    assert found["bars"]["offline_rerank_names"] == 0
    assert found["bars"]["offline_rerank_candidates"] == 2
    assert found["bars"]["offline_rerank_p50"] > 0
    assert (found["details"]["reranker"], found["details"]["questions"]) == (shipped_pairs.NAME, 2)
    assert found["details"]["gain"].keys() == {"all", "semantic", "symbol"}


def test_static_vectors_from_questions_to_a_result(data: Path, tmp_path: Path) -> None:
    where = [str(data), str(tmp_path / "repositories"), "--cache-dir", str(tmp_path / "cache")]
    static_tier.main([*where, "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["static-tier"]
    assert found["bars"]["static_ndcg"] == 1.0
    rates = found["details"]["chunks_a_second"]
    assert found["bars"]["static_speedup"] == pytest.approx(rates["static"] / rates["dense"], rel=0.1)
    assert [row[0] for row in found["tables"][0]["rows"]] == [way.name for way in static_tier.ways()]
    with pytest.raises(SystemExit, match="--table"):
        static_tier.main([*where, "--table", str(tmp_path), "--save", "--results", str(tmp_path)])


def test_speed_memory_and_growth_to_a_result_and_a_page(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benching, "RUNS", 1)
    where = [str(data.parent / "repositories" / "one"), "--page", str(tmp_path / "page.html")]
    bench.main([*where, "--sizes", "5", "9", "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["bench"]
    assert (found["details"]["repository"], found["details"]["files"]) == ("one", 2)
    growth = next(table for table in found["tables"] if table["headline"])
    assert [row[0] for row in growth["rows"]] == ["5", "9"]
    assert "Growth: milliseconds of a search" in (tmp_path / "page.html").read_text()


def test_the_load_of_clients_from_a_server_to_a_result(data: Path, tmp_path: Path) -> None:
    small = ["--chunks", "2", "--clients", "3", "--rounds", "2", "--alone", "4"]
    http_load.main([str(data), str(tmp_path / "repositories"), *small, "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["http-load"]
    assert found["bars"]["http_unanswered"] == 0
    assert found["details"]["crowd"]["statuses"] == {"200": 6}
    assert found["details"]["peak_mib"] > 50


def test_an_agents_server_from_its_greeting_to_a_result(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "AGENT_CALLS", 20)
    small = ["--chunks", "2", "--clients", "2", "--greetings", "1", "--agents", "2"]
    serving.main([str(data), str(tmp_path / "repositories"), *small, "--save", "--results", str(tmp_path)])
    found = read_all(tmp_path)["serving"]
    assert found["bars"]["serve_many_errors"] == 0
    assert found["bars"]["serve_p50"] >= found["bars"]["serve_beyond_p50"] > 0
    assert found["details"]["answers_over_http"] == 16
    agents = found["details"]["agents_at_once"]
    assert (agents["agents"], agents["answers"], agents["errors"]) == (2, 2 * serving.AGENT_CALLS, 0)
    assert agents["p95_ms"] >= agents["p50_ms"] > 0
    assert agents["own_memory_mib"] > 50
    assert found["details"]["agents_while_a_file_is_saved"]["errors"] == 0
    assert len(found["details"]["greeting_s"]) == 1
    assert found["details"]["own_memory_mib"]["streams"] > 50


def test_a_second_run_with_the_same_cache_embeds_nothing(data: Path, tmp_path: Path) -> None:
    arguments = [str(data), str(tmp_path / "repositories"), "--quick", "--cache-dir", str(tmp_path / "cache")]
    localisation.main(arguments)
    (file,) = (tmp_path / "cache").rglob("vectors-*.db")
    before = file.stat().st_size
    localisation.main(arguments)
    assert file.stat().st_size == before


def test_a_score_that_the_own_script_does_not_confirm_stops_the_run(data: Path, tmp_path: Path) -> None:
    (data / "score.py").write_text(SCORE.replace("PERFECT", "0.9000"))
    with pytest.raises(DisagreementError, match=r"score\.py gives 0\.9"):
        localisation.main([str(data), str(tmp_path / "repositories"), "--quick"])


def test_part_of_the_work_is_not_saved(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--quick"):
        localisation.main([str(data), str(tmp_path / "repositories"), "--quick", "--save"])


def test_a_set_from_its_files_to_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "humaneval"
    folder.mkdir()
    documents = [{"_id": f"c{number}", "title": "", "text": text} for number, text in enumerate(FILES.values())]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    asked = [{"_id": "q0", "text": "split a text into tokens"}, {"_id": "unjudged", "text": "x"}]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tc0\t1\n")
    sets.main([str(tmp_path), "--only", "humaneval", "--cache-dir", str(tmp_path)])
    assert "| humaneval | 1 / 2 | 1.000 | 1.000 | 1.000 | 1.000 |" in capsys.readouterr().out
