"""Results as Markdown, and the block of the README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.bars import BARS

from benchmarks import anchors, table

README = Path(__file__).parents[2] / "README.md"
MACHINE = {"cores": 2, "cpu": "A CPU", "memory_gib": 8, "python": "3.11.1"}


def result(value: float) -> dict[str, Any]:
    tables = [
        {"title": "Shown", "columns": ["a"], "rows": [["1"]], "headline": True},
        {"title": "Kept", "columns": ["b"], "rows": [["x|y"]], "headline": False},
    ]
    return {
        "bars": {"throughput_share": value},
        "machine": MACHINE,
        "date": "2026-01-02 03:04 UTC",
        "commit": "abc",
        "load_at_start": [1.5, 1.0, 0.5],
        "tables": tables,
    }


def test_every_bar_has_a_line_measured_or_not() -> None:
    lines = table.bars_table({"throughput": result(100)}).splitlines()
    assert len(lines) == len(BARS) + 2
    assert sum("not measured yet" in line for line in lines) == len(BARS) - 1
    assert any("| **100 %** |" in line for line in lines)


def test_a_missed_bar_says_so() -> None:
    assert "**70 %** (missed)" in table.bars_table({"throughput": result(70)})


def test_the_block_holds_headlines_only_and_everything_holds_all() -> None:
    results = {"throughput": result(1)}
    assert "**Shown**" in table.block(results)
    assert "Kept" not in table.block(results)
    assert "| x\\|y |" in table.everything(results)


def test_a_bar_that_is_no_headline_is_one_where_it_is_missed() -> None:
    assert "throughput of a whole indexing run" not in table.bars_table({"throughput": result(100)}, headlines=True)
    assert "throughput of a whole indexing run" in table.bars_table({"throughput": result(70)}, headlines=True)
    assert "throughput of a whole indexing run" in table.quality({"throughput": result(100)})


def test_what_others_published_stands_beside_what_was_measured() -> None:
    scores = {name: {"chunks": 0.9 if name == "serde" else 0.8} for name in anchors.PUBLISHED}
    lines = anchors.table({"details": {"per_repository": scores}}).splitlines()
    assert "| rust | 0.900 | 0.708 | 0.460 | 0.740 | +0.192 |" in lines
    assert lines[-1] == "| all | 0.805 | 0.847 | 0.753 | 0.855 | -0.042 |"
    assert len(lines) == 4 + len({language for language, *_ in anchors.PUBLISHED.values()}) + 1


def test_origins_group_by_machine() -> None:
    other = result(1) | {"machine": MACHINE | {"cores": 4}}
    text = table.origins({"throughput": result(1), "first-answer": result(1), "sets": other})
    assert text.count("Measured on") == 2
    busy = result(1) | {"load_at_start": [4.5, 1.0, 0.5]}
    assert "at abc (beside other work: times are upper bounds)." in table.origins({"throughput": busy})
    assert "beside" not in table.origins({"throughput": result(1) | {"load_at_start": []}})
    assert "throughput 2026-01-02 at abc; first-answer 2026-01-02 at abc." in text


def test_content_replaces_what_is_between_the_markers() -> None:
    document = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    assert table.embedded(document, "new") == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"


@pytest.mark.parametrize(
    "document",
    ["", table.BEGIN, table.END, f"{table.END}{table.BEGIN}", f"{table.BEGIN}{table.END}{table.BEGIN}{table.END}"],
)
def test_a_document_without_one_pair_of_markers_is_refused(document: str) -> None:
    with pytest.raises(table.MarkersMissingError):
        table.embedded(document, "new")


def test_write_then_check_then_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{table.BEGIN}\n{table.END}\n")
    assert table.main(["--check"], {readme: table.block}) == 1
    assert "python -m benchmarks.table --write" in capsys.readouterr().err
    assert table.main(["--write"], {readme: table.block}) == 0
    assert table.main(["--check"], {readme: table.block}) == 0


def test_missing_markers_are_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# no markers\n")
    assert table.main(["--check"], {readme: table.block}) == 2
    assert table.BEGIN in capsys.readouterr().err


def test_every_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert table.main([]) == 0
    assert "| what | bar |" in capsys.readouterr().out


def test_readme_and_page_on_quality_show_the_committed_results() -> None:
    assert table.main(["--check"]) == 0, "run: python -m benchmarks.table --write"
