"""Sizes are arithmetic on bytes that were measured."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.store_samples import DIMENSION, corpus

from coderank.errors import UsageError
from coderank.evaluation.sizing import GIB, GRAPH_BYTES, SPARE, USABLE, Shape, committed, need, needs, per_point
from coderank.evaluation.sizing_report import KINDS, count, record, size, table
from coderank.store.edge import EdgeStore
from coderank.store.parts import bytes_by_purpose
from coderank.store.quantization import NONE, Quantization

SHAPE = Shape(768)


def test_the_page_is_current() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "sizing.py"))
    assert script["PAGE"].read_text("utf-8") == script["page"](), "run: python docs/sizing.py"


def test_needs_are_what_the_parts_add_up_to() -> None:
    measured = committed()
    found = need(measured, 1_000_000, Quantization("scalar"), SHAPE)
    scanned = measured.compressed["768"]["scalar 8 bit"]
    assert found.memory == pytest.approx(1_000_000 * (scanned + GRAPH_BYTES + measured.point.hot))
    data = 2 * 768 + scanned + GRAPH_BYTES + measured.point.hot + measured.point.payload
    assert found.disk == pytest.approx(1_000_000 * data * SPARE)
    assert found.nodes == 1


def test_replicas_graphs_and_nodes() -> None:
    measured = committed()
    one = need(measured, 10**9, NONE, SHAPE)
    two = need(measured, 10**9, NONE, replace(SHAPE, replicas=2))
    assert two.memory == pytest.approx(2 * one.memory)
    assert one.nodes == -(-int(one.memory) // int(64 * GIB * USABLE))
    assert need(measured, 1, NONE, replace(SHAPE, replicas=3)).nodes == 3
    flat = need(measured, 10**9, NONE, replace(SHAPE, graph=False))
    assert one.memory - flat.memory == pytest.approx(10**9 * GRAPH_BYTES)


def test_finer_bits_take_more() -> None:
    found = [one.memory for one in needs(committed(), [10**6], KINDS, SHAPE)]
    assert found == sorted(found, reverse=True)


def test_dimensions_that_were_not_measured_are_in_proportion() -> None:
    measured = committed()
    assert measured.scanned(1024, Quantization("scalar")) == pytest.approx(1028)
    assert measured.scanned(1024, NONE) == 2048
    assert measured.scanned(3584, Quantization("turbo")) == measured.compressed["3584"]["turbo 4 bit"]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 GiB"):
        Shape(0)


def test_a_shard_is_shared_out_among_its_points(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path, DIMENSION)
    store.upsert(corpus())
    store.optimize()
    store.close()
    found = bytes_by_purpose(tmp_path / "shard")
    assert not found.pop("static")
    assert all(found.values())
    assert per_point(found, 200).payload == found["payload"] / 200


def test_people_read_round_numbers() -> None:
    assert [count(number) for number in (7, 2_500, 10**6, 2_500_000_000)] == ["7", "2.5 k", "1 M", "2.5 B"]
    assert [size(bytes_) for bytes_ in (GIB / 2, 1536 * GIB)] == ["0.5 GiB", "1.5 TiB"]
    found = needs(committed(), [10**6], KINDS, SHAPE)
    assert table(found, SHAPE).rows[0][:2] == ("1 M", "none")
    assert record(found, committed(), SHAPE)["needs"][0]["chunks"] == 10**6
