"""Compressions are tried in real engines, and the cheapest that is good enough is advised."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from tests.store.qdrant_server import QdrantServer

from coderank.collections import config
from coderank.errors import CoderankError
from coderank.evaluation import advice_report
from coderank.evaluation.advice import OVERSAMPLING, STORED, Advice, Trial, Truth, advise
from coderank.evaluation.sampling import dense_vector, held_out, sample
from coderank.loading.servers import configured, quantization
from coderank.store.address import Address
from coderank.store.bench import Sizes
from coderank.store.edge_bench import EdgeBench
from coderank.store.edge_points import open_edge_points
from coderank.store.quantization import NONE, Quantization
from coderank.store.raw import RawPoint, VectorSpec
from coderank.store.server_bench import PREFIX, ServerBench
from coderank.store.server_connection import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.types import Matrix

DIMENSION = 64


TRIED = [each for each in STORED if each.bits in {32.0, 8.0, 4.0, 2.0} or each.stored == "binary 1 bit"]


@cache
def vectors(count: int = 1500) -> Matrix:
    rng = np.random.default_rng(5)
    made = rng.standard_normal((count, DIMENSION)).astype(np.float32)
    normalised: Matrix = made / np.linalg.norm(made, axis=1, keepdims=True)
    return normalised


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Advice:
    searched, queries = held_out(vectors(), 40)
    with EdgeBench(tmp_path_factory.mktemp("bench")) as bench:
        return advise(bench, searched, queries, points=1_000_000, target=0.9, stored=TRIED)


def test_every_compression_is_tried_at_every_oversampling(measured: Advice) -> None:
    assert len(measured.trials) == 1 + (len(TRIED) - 1) * len(OVERSAMPLING)
    assert (measured.vectors, measured.queries, measured.dimension) == (1460, 40, DIMENSION)
    assert len({trial.quantization.label for trial in measured.trials}) == len(measured.trials)


def test_an_exact_scan_finds_everything_and_coarser_bits_find_less(measured: Advice) -> None:
    recall = {trial.quantization.label: trial.recall for trial in measured.trials}
    assert recall["none"] == 1.0
    assert recall["scalar 8 bit x1"] > 0.99
    assert recall["turbo 4 bit x1"] > 0.95
    assert recall["binary 1 bit x1"] < recall["binary 1 bit x4"]
    assert recall["binary 1 bit x1"] < recall["binary 2 bit x1"] <= 1.0
    assert recall["binary 1 bit x1"] < recall["turbo 2 bit x1"]


def test_bytes_are_those_of_the_files(measured: Advice) -> None:
    scanned = {trial.quantization.stored: trial.sizes.scanned for trial in measured.trials}
    assert scanned["none"] == 2 * DIMENSION
    assert DIMENSION <= scanned["scalar 8 bit"] <= DIMENSION + 8
    assert DIMENSION / 2 <= scanned["turbo 4 bit"] <= DIMENSION / 2 + 16
    assert DIMENSION / 8 <= scanned["binary 1 bit"] <= DIMENSION / 8 + 8
    for trial in measured.trials:
        assert trial.sizes.measured
        assert trial.sizes.disk >= 2 * DIMENSION


def test_too_few_vectors_are_refused(tmp_path: Path) -> None:
    with EdgeBench(tmp_path) as bench, pytest.raises(CoderankError, match="50 vectors are too few"):
        advise(bench, vectors()[:50], vectors()[50:60], points=60)


def test_the_cheapest_that_is_good_enough_is_advised(measured: Advice) -> None:
    chosen = measured.chosen
    assert chosen is not None
    assert chosen.recall >= 0.9
    assert all(trial.recall < 0.9 for trial in measured.trials if trial.sizes.scanned < chosen.sizes.scanned - 1)
    assert replace(measured, target=1.1).chosen is None


def test_nothing_of_a_bench_is_left(tmp_path: Path) -> None:
    with EdgeBench(tmp_path) as bench:
        bench.build(vectors(200), NONE)
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_tried_without_a_trace_and_what_it_lacks_is_named() -> None:
    server = QdrantServer(version="1.17.0").start()
    connection = Connection(Address(server.url))
    searched, queries = held_out(vectors(300), 5)
    stored = (NONE, Quantization("turbo"), Quantization("scalar"))
    with ServerBench(connection) as bench:
        found = advise(bench, searched, queries, points=300, stored=stored)
        assert [name for name in server.local.collections if name.startswith(PREFIX)]
    assert not server.local.collections
    assert [trial.quantization.kind for trial in found.trials] == ["none", "scalar", "scalar", "scalar"]
    assert found.trials[0].recall == 1.0
    assert "TurboQuant came with 1.18" in found.missing[0]
    assert "computed" in " ".join(advice_report.notes(found))
    connection.close()
    server.stop()


def trial(kind: str, recall: float, scanned: float, ms: float = 1.0) -> Trial:
    return Trial(Quantization(kind), recall, ms, 2 * ms, Sizes(scanned, scanned + 100))  # type: ignore[arg-type]


ADVICE = Advice(
    trials=(trial("none", 1.0, 200), trial("turbo", 0.995, 50, 2.0), trial("binary", 0.9, 12)),
    target=0.99,
    vectors=100,
    queries=10,
    dimension=100,
    engine="embedded",
    points=2**30,
    own_queries=True,
)


def test_a_report_says_what_to_take() -> None:
    assert advice_report.sentence(ADVICE) == (
        "Take turbo 4 bit x1: recall@10 0.9950, 2.00 ms, 50.0 GiB in memory, 4.0 times less than uncompressed."
    )
    assert [row[0] for row in advice_report.table(ADVICE).rows] == ["none", "→ turbo 4 bit x1", "binary 1 bit x1"]
    assert "larger --sample" in " ".join(advice_report.notes(ADVICE))
    none = replace(ADVICE, target=1.1)
    assert "Nothing reaches a recall of 1.1; the best is none, 1.0000" in advice_report.sentence(none)
    record = advice_report.record(ADVICE)
    assert record["chosen"]["compression"] == "turbo 4 bit x1"
    assert advice_report.record(none)["chosen"] is None


def test_the_page_holds_everything_and_fetches_nothing() -> None:
    html = advice_report.html(ADVICE, "a <b>")
    assert "Compression of a &lt;b&gt;" in html
    assert html.count("<svg") == 2
    assert "Take turbo 4 bit" in html
    assert "<script" not in html


@pytest.mark.parametrize("chosen", [each for each in STORED if each != NONE])
def test_advice_can_be_configured_and_read_back(chosen: Quantization) -> None:
    chosen = replace(chosen, oversampling=2.0)
    before = config.Quantization(binary=config.Binary(oversampling=5.0), scalar=config.Scalar())
    said = configured(chosen, before)
    assert quantization(msgspec.convert(said, config.Quantization)) == chosen
    others = [said[kind] for kind in ("binary", "scalar") if kind != chosen.kind]
    assert [each["enabled"] for each in others] == [False] * len(others)


def test_no_compression_can_be_configured() -> None:
    said = configured(NONE, config.Quantization(scalar=config.Scalar()))
    assert quantization(msgspec.convert(said, config.Quantization)) == NONE


@pytest.mark.parametrize("numbered", [False, True])
def test_a_sample_is_of_the_collection_and_the_same_every_time(tmp_path: Path, numbered: bool) -> None:
    points = open_edge_points(tmp_path, dimension=DIMENSION)
    rows = vectors()
    rng = np.random.default_rng(1)
    ids = [number if numbered else str(random_uuid(rng)) for number in range(len(rows))]
    points.write([RawPoint(id_, {}, {"dense": row}) for id_, row in zip(ids, rows, strict=True)])
    points.write([RawPoint(5000 + number, {}, {}) for number in range(5)])
    found = sample(points, "dense", 300)
    assert 290 <= len(found) <= 300
    assert (rows @ found.T).max(axis=0) == pytest.approx(1.0, abs=1e-3)
    assert len(np.unique(np.argmax(rows @ found.T, axis=0))) == len(found)
    assert np.array_equal(found, sample(points, "dense", 300))
    assert len(sample(points, "dense", 10_000)) == len(rows)
    with pytest.raises(CoderankError, match="No point of the collection has a vector 'other'"):
        sample(points, "other", 300)
    points.close()


def random_uuid(rng: np.random.Generator) -> object:
    import uuid

    return uuid.UUID(bytes=rng.bytes(16))


def test_held_out_vectors_are_not_searched() -> None:
    searched, queries = held_out(vectors(), 100)
    assert (len(searched), len(queries)) == (1400, 100)
    assert (searched @ queries.T).max() < 0.999


def test_of_equal_vectors_any_is_as_good() -> None:
    copies = np.concatenate([np.tile(vectors()[:1], (30, 1)), vectors()[1:50]])
    truth = Truth(copies, copies[:1])
    assert truth.recall(0, list(range(15, 30))) == 1.0
    assert truth.recall(0, [*range(5), *range(30, 60)]) == 0.5
    assert truth.recall(0, [3] * 10) == 0.1, "found once"
    assert Truth(copies[:4], copies[:1]).recall(0, [2, 1, 0, 3]) == 1.0


def test_the_dense_vector_is_named_or_the_only_one() -> None:
    one = [VectorSpec("dense", 8, "Cosine"), VectorSpec("lexical", 0, "", sparse=True)]
    assert dense_vector(one, None) == dense_vector(one, "dense") == "dense"
    two = [*one, VectorSpec("", 8, "Cosine")]
    assert dense_vector(two, "") == ""
    for specs, wanted in ((two, None), (one, "other"), (one[1:], None)):
        with pytest.raises(CoderankError, match="dense vectors are"):
            dense_vector(specs, wanted)
