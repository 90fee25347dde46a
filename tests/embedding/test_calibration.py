from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_graph import table, write_lookup

from coderank.embedding.calibration import (
    Calibration,
    Measurement,
    Option,
    calibrate,
    machine,
    rank,
    recall,
    remember,
)
from coderank.embedding.contract import Embedder
from coderank.embedding.onnx import OnnxEmbedder
from coderank.models.catalogue import get

TINY = replace(get("all-minilm-l6-v2"), name="tiny", dimension=3)
FAST, SLOW = Option("int8", 2), Option("fp32", 1)
CALIBRATION = Calibration("here", (Measurement(FAST, 10.0, 20.0), Measurement(SLOW, 30.0, 40.0)))
TIMES = st.floats(min_value=0.01, max_value=1e4)
MEASUREMENTS = st.lists(
    st.builds(Measurement, st.builds(Option, st.sampled_from(["fp32", "int8"]), st.integers(1, 8)), TIMES, TIMES),
    min_size=1,
    max_size=6,
)


def test_every_option_is_opened_and_timed(tmp_path: Path) -> None:
    path = write_lookup(tmp_path / "tiny.onnx", table())
    opened: list[Option] = []
    heard: list[Measurement] = []

    def open_embedder(option: Option) -> Embedder:
        opened.append(option)
        return OnnxEmbedder(TINY, path, option.threads)

    found = calibrate([FAST, SLOW], open_embedder, "here", heard.append)
    assert opened == [FAST, SLOW] == [one.option for one in heard]
    assert sorted(found.measurements, key=lambda one: one.option) == sorted(heard, key=lambda one: one.option)
    assert found.machine == "here"
    assert all(one.query_ms > 0 and one.document_ms > 0 for one in heard)


@given(MEASUREMENTS)
def test_what_is_faster_at_both_is_never_behind(measurements: list[Measurement]) -> None:
    ranked = rank(measurements)
    assert sorted(ranked, key=repr) == sorted(measurements, key=repr)
    for place, better in enumerate(ranked):
        for before in ranked[:place]:
            assert not (better.query_ms < before.query_ms and better.document_ms < before.document_ms)


def test_neither_queries_nor_documents_are_bought_with_the_other_alone() -> None:
    balanced = Measurement(Option("a", 1), 11.0, 11.0)
    quick_query = Measurement(Option("b", 1), 10.0, 100.0)
    quick_document = Measurement(Option("c", 1), 100.0, 10.0)
    assert rank([quick_query, quick_document, balanced])[0] == balanced


def test_what_was_measured_is_remembered_beside_other_models(tmp_path: Path) -> None:
    cache = tmp_path / "new" / "calibration.json"
    other = Calibration("here", CALIBRATION.measurements[1:])
    remember(cache, "one", CALIBRATION)
    remember(cache, "other", other)
    assert recall(cache, "one", "here") == CALIBRATION
    assert recall(cache, "other", "here") == other
    assert CALIBRATION.best == FAST
    assert [path.name for path in cache.parent.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(("key", "place"), [("one", "elsewhere"), ("two", "here")])
def test_another_machine_or_model_was_not_measured(tmp_path: Path, key: str, place: str) -> None:
    remember(tmp_path / "calibration.json", "one", CALIBRATION)
    assert recall(tmp_path / "calibration.json", key, place) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"one": 3}', b"[]"])
def test_a_damaged_cache_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "calibration.json"
    cache.write_bytes(content)
    assert recall(cache, "one", "here") is None
    remember(cache, "one", CALIBRATION)
    assert recall(cache, "one", "here") == CALIBRATION


def test_a_machine_is_its_cpu_its_cores_and_its_runtime() -> None:
    name = machine("onnxruntime 1.2.3", 2)
    assert name.endswith(" | 2 cores | onnxruntime 1.2.3")
    assert machine("onnxruntime 1.2.3", 4) != name != machine("onnxruntime 1.2.4", 2)
