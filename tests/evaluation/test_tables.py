"""Tables as text, Markdown and HTML."""

from __future__ import annotations

from coderank.evaluation.tables import Table, html, lines, markdown

TABLE = Table(
    "Legs", ("leg", "nDCG@10", "difference"), [["dense", "0.875", "+0.010 [+0.001, +0.020]"], ["a|b", "1", "–"]]
)


def test_columns_are_aligned_and_numbers_flush_right() -> None:
    assert list(lines(TABLE)) == [
        "leg    nDCG@10               difference",
        "dense    0.875  +0.010 [+0.001, +0.020]",
        "a|b          1                        –",
    ]


def test_a_table_that_is_too_wide_is_stacked_and_nothing_is_cut() -> None:
    assert list(lines(TABLE, width=30)) == [
        "dense",
        "  nDCG@10     0.875",
        "  difference  +0.010 [+0.001, +0.020]",
        "a|b",
        "  nDCG@10     1",
        "  difference  –",
    ]
    assert list(lines(TABLE, width=80)) == list(lines(TABLE))


def test_words_stand_flush_left() -> None:
    assert Table("", ("a", "b"), [["x", "12 ms"], ["y", "3 MiB"]]).numeric() == [False, True]
    assert Table("", ("a", "b"), []).numeric() == [False, False]
    assert list(lines(Table("", ("a", "b"), []))) == ["a  b"]


def test_markdown_escapes_its_own_mark() -> None:
    assert markdown(("a",), [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"


def test_html_escapes_what_a_repository_may_be_called() -> None:
    written = html(Table("", ("<b>",), [["<script>alert(1)</script>"]]))
    assert "<script>" not in written
    assert "&lt;script&gt;" in written
    assert "&lt;b&gt;" in written


def test_the_record_holds_every_cell() -> None:
    assert TABLE.record()["rows"] == [list(row) for row in TABLE.rows]
