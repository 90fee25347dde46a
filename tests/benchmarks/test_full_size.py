"""The benchmarks of CodeRankEmbed and of reranking: what needs neither torch nor a large model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.decoder import Cost, Work
from benchmarks.embedding import DisagreementError, Found, Plain, check_agreement, documents, of_length
from benchmarks.full_size import RANDOM_VECTORS, Place, demand, random_vectors
from benchmarks.latency import STAGES
from benchmarks.resident import resident

from benchmarks import bars, embedding, reranking
from coderank.models.catalogue import CODE_QUERY_PREFIX
from coderank.reranking.contract import Status, Usage
from coderank.reranking.policy import Outcome

MEASURED = {
    "auto": [10.0, 12.0, 11.0],
    "int8": [10.0, 12.0, 11.0],
    "fp32": [40.0, 41.0, 42.0],
    Plain.name: [80.0, 81.0, 82.0],
}
SECONDS = {"auto": [2.0, 2.0, 3.0], "fp32": [6.0, 6.0, 6.0], Plain.name: [8.0, 8.5, 8.0]}
SEARCH = {stage: [1.0, 2.0, 3.0] for stage in STAGES}
MEMORY = {"before": 20.0, "query": 200.0, "after": 320.0, "peak": 400.0}


def found() -> Found:
    return Found(MEASURED, SECONDS, SEARCH, MEMORY, documents=16, chunks=100)


def test_what_is_measured_of_embedding_are_its_bars() -> None:
    measured = found().measured()
    assert bars.of_benchmark("embedding", measured) == measured
    assert measured["embed_query_p50"] == 11.0
    assert measured["embed_speedup"] == 4.0
    assert measured["embed_memory"] == 300.0


def test_tables_of_embedding() -> None:
    by_title = {table.title: table for table in found().tables()}
    kinds, stages, memory = by_title.values()
    assert ["ONNX int8", "11.0", "12.0", "", ""] in kinds.rows
    assert [Plain.name, "81.0", "82.0", "2.0", "1.00"] in kinds.rows
    assert [row[0] for row in stages.rows] == list(STAGES)
    assert memory.rows == [["query", "180"], ["after", "300"], ["peak", "380"]]
    assert all(len(row) == len(table.columns) for table in by_title.values() for row in table.rows)


def test_texts_of_a_length_are_counted_with_prefix_and_special_tokens() -> None:
    texts = ["where is the code", "code", "where is the code of this"]
    without = of_length(texts, 6, prefix="")
    assert without == ["where is the code"]
    assert of_length(texts, 6 + 8, prefix=CODE_QUERY_PREFIX) == without


def test_vectors_of_two_computations_are_not_compared() -> None:
    same = random_vectors()[:3]
    check_agreement(same, same)
    with pytest.raises(DisagreementError, match="cosine of"):
        check_agreement(same, same[::-1])
    with pytest.raises(DisagreementError, match="nan"):
        check_agreement(same, np.full_like(same, np.nan))


def test_documents_come_from_all_repositories(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(f"def {name}():\n    return 1\n")
    assert [text.splitlines()[-2] for text in documents(tmp_path, 3)] == ["def a():", "def b():", "def c():"]
    assert len(documents(tmp_path, 2)) == 2


def test_random_vectors_are_unit_vectors_of_the_models_length() -> None:
    vectors = random_vectors()
    assert vectors.shape == (RANDOM_VECTORS, 768)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors, random_vectors())


def test_a_place_keeps_everything_in_its_folder(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.loading().exports == place.settings.data_dir / "exports"
    assert all(path.is_relative_to(tmp_path) for path in (place.hub, place.loading().cache, place.settings.data_dir))
    assert place.layers == 12


def test_what_is_missing_is_said_in_one_line() -> None:
    demand("numpy")
    with pytest.raises(SystemExit, match=r"^This needs no_such_package: pip install no_such_package$"):
        demand("numpy", "no_such_package")


def test_resident_memory_is_read_in_mebibytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  4096 kB\nVmRSS:\t  2048 kB\n")
    assert (resident("VmRSS", status), resident("VmHWM", status)) == (2.0, 4.0)


@pytest.mark.parametrize("benchmark", [embedding, reranking])
def test_a_trial_is_not_saved(benchmark: object, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--trial"):
        benchmark.main([str(tmp_path), str(tmp_path), "--trial", "--save"])  # type: ignore[attr-defined]


def outcomes(*ms: float) -> list[Outcome]:
    usage = Usage(calls=5, steps=5, prompt_tokens=2_000)
    return [Outcome(Status.PARTIAL, "cross-encoder", 30 + at, usage=usage, ms=each) for at, each in enumerate(ms)]


def reranked() -> reranking.Found:
    cost = Cost("fp32", 4_000, 1.0, 0.05, 0.1, 28)
    return reranking.Found(
        outcomes={"fp32": outcomes(400, 410, 420), "int8": outcomes(300, 310, 320)},
        stages={stage: [400.0, 410.0, 430.0] for stage in reranking.STAGES},
        costs=[cost, replace(cost, precision="bf16")],
        work={"sliding": Work(19, 76_000, 760)},
        compared={},
        chunks=100,
    )


def test_what_is_measured_of_reranking_are_its_bars() -> None:
    measured = reranked().measured()
    assert bars.of_benchmark("reranking", measured) == measured
    assert measured == {"rerank_p50": 410, "rerank_candidates": 31, "rerank_search_p50": 0.41}


def test_tables_of_reranking() -> None:
    pairs, search, llm, claim, _ = reranked().tables()
    assert pairs.rows[0] == ["fp32, as pulled", "410", "420", "31", "30", "65", "4,878"]
    assert [row[0] for row in search.rows] == list(reranking.STAGES)
    assert llm.rows[0] == ["fp32", "4,000", "142.3", "0.67", "88"]
    assert claim.rows == [["sliding", "19", "76,000", "28", "28", "2.0"]]
    assert all(len(row) == len(table.columns) for table in (pairs, search, llm, claim) for row in table.rows)


def test_details_of_reranking_can_be_written() -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'coderank[torch]'")
    details = reranked().details()
    assert details["cross_encoder"]["int8"][0] == {"ms": 300, "candidates": 30, "tokens": 2_000, "status": "partial"}
    assert details["layer_s"][1]["precision"] == "bf16"
