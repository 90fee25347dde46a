"""Result files: complete, stable, and refused where a bar is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.results import Run, Table, read_all

from benchmarks import bars, machine

if TYPE_CHECKING:
    from pathlib import Path

TABLE = Table("Rows", ("a", "b"), [("1", "2")])


def test_a_result_says_what_when_where_and_on_which_commit(tmp_path: Path) -> None:
    path = Run("throughput", "python -m this").write({"throughput_share": 12.5}, {"why": "x"}, [TABLE], tmp_path)
    found = read_all(tmp_path)["throughput"]
    assert path.name == "throughput.json"
    assert found["bars"] == {"throughput_share": 12.5}
    assert found["commit"] == machine.commit()
    assert found["machine"]["cores"] >= 1
    assert set(found["machine"]["libraries"]) == set(machine.LIBRARIES)
    assert len(found["load_at_start"]) == len(found["load_at_end"]) == 3
    assert found["tables"] == [{"title": "Rows", "columns": ["a", "b"], "rows": [["1", "2"]], "headline": False}]


def test_a_result_is_written_sorted_and_ends_with_a_line_end(tmp_path: Path) -> None:
    text = Run("throughput", "x").write({"throughput_share": 1.0}, {"b": 1, "a": 2}, folder=tmp_path).read_text()
    assert text.endswith("}\n")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("measured", [{}, {"first_answer": 1.0}, {"throughput_share": 1.0, "first_answer": 1.0}])
def test_a_result_holds_exactly_its_bars(measured: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="throughput_share"):
        Run("throughput", "x").write(measured, {}, folder=tmp_path)


def test_bars_are_named_once() -> None:
    assert len({bar.name for bar in bars.BARS}) == len(bars.BARS)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.87, "", "0.870"), (9.96, "ms", "10.0 ms"), (2.5, "s", "2.50 s"), (91.4, "%", "91 %"), (600, "MiB", "600 MiB")],
)
def test_values_have_the_digits_of_their_unit(value: float, unit: str, expected: str) -> None:
    assert bars.written(value, unit) == expected


def test_a_bar_is_met_on_its_own_side() -> None:
    by_name = {bar.name: bar for bar in bars.BARS}
    assert by_name["localisation_ndcg"].met(0.885)
    assert not by_name["localisation_ndcg"].met(0.884)
    assert by_name["warm_query_p50"].met(10.0)
    assert not by_name["warm_query_p50"].met(10.1)
    assert by_name["warm_query_p50"].promise() == "≤ 10.0 ms"
