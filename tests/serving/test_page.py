"""What fits of a list of hits: by file, joined, in budget, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.serving.page import Detail, Page, lay_out
from coderank.serving.spans import Span, Standing
from coderank.serving.tokens import tokens
from coderank.types import Hit


def hit(path: str, start: int, lines: int, score: float = 0.5, symbol: str = "f") -> Span:
    content = "\n".join(f"line {number} of {path}" for number in range(start, start + lines))
    return Span(Hit(path, start, start + lines - 1, "python", symbol, score, content, root="."))


def test_hits_are_grouped_by_file_in_the_order_of_the_best() -> None:
    page = lay_out([hit("b.py", 9, 2, 0.9), hit("a.py", 1, 2, 0.8), hit("b.py", 1, 2, 0.7)], "q", Detail.PATHS, 900)
    assert page.text() == "b.py\n1-2  f\n9-10  f\n\na.py\n1-2  f"
    assert [(result["path"], len(result["spans"])) for result in page.results()] == [("b.py", 2), ("a.py", 1)]


@pytest.mark.parametrize(("second", "spans"), [(4, 1), (3, 1), (5, 2), (1, 1)])
def test_spans_that_overlap_or_adjoin_are_one(second: int, spans: int) -> None:
    page = lay_out([hit("a.py", 1, 3, 0.4, "low"), hit("a.py", second, 3, 0.8, "high")], "q", Detail.FULL, 900)
    assert len(page.pieces) == spans
    lines = [line for piece in page.pieces for line in piece.text.split("\n")]
    assert lines == [f"line {number} of a.py" for number in sorted({1, 2, 3, second, second + 1, second + 2})]
    if spans == 1:
        assert (page.pieces[0].symbol, page.pieces[0].score) == ("high", 0.8)
    assert page.taken == 2


def test_details_from_nothing_to_everything() -> None:
    one = [hit("a.py", 10, 20, symbol="line 13")]
    texts = {detail: lay_out(one, "line 25", detail, 2_000).pieces[0].text for detail in Detail}
    assert texts[Detail.PATHS] == ""
    assert texts[Detail.SIGNATURES].count("\n") == 0
    assert texts[Detail.SNIPPETS].startswith("13  line 13 of a.py\n")  # the definition
    assert texts[Detail.SNIPPETS].count("\n") == 7
    assert texts[Detail.FULL].split("\n") == one[0].hit.content.split("\n")


def test_what_does_not_fit_is_shown_with_less_and_then_on_the_next_page() -> None:
    spans = [hit(f"{number}.py", 1, 60) for number in range(30)]
    page = lay_out(spans, "q", Detail.FULL, 900)
    levels = [piece.text.count("\n") for piece in page.pieces]
    assert 1 < page.taken < 30
    assert levels[0] == 59
    assert levels[-1] < 10
    assert levels == sorted(levels, reverse=True)


def test_one_hit_is_shown_however_small_the_budget() -> None:
    page = lay_out([hit("a.py", 1, 9), hit("b.py", 1, 9)], "q", Detail.FULL, 1)
    assert (page.taken, page.text()) == (1, "a.py\n1-9  f")


def test_no_hits_are_an_empty_page() -> None:
    assert lay_out([], "q", Detail.FULL, 900) == Page((), 0)


def test_how_text_stands_is_said_where_it_is_not_as_indexed() -> None:
    moved = replace(hit("a.py", 5, 1), standing=Standing.MOVED)
    lost = replace(hit("b.py", 5, 1), standing=Standing.LOST, hit=replace(hit("b.py", 5, 1).hit, content=""))
    page = lay_out([moved, lost], "q", Detail.SNIPPETS, 900)
    assert page.text() == "a.py\n5  f  (moved)\n5  line 5 of a.py\n\nb.py\n5  f  (changed, not found again)"
    [first, second] = (result["spans"][0] for result in page.results())
    assert (first["standing"], second["standing"]) == ("moved", "changed, not found again")
    assert "text" not in second


def test_a_line_of_data_does_not_eat_the_budget_and_control_characters_are_escaped() -> None:
    span = Span(Hit("a\x1b.py", 1, 2, "", "s", 0.5, "x" * 5_000 + "\n\x1b[31mred", root="."))
    text = lay_out([span], "q", Detail.FULL, 500).text()
    assert "\x1b" not in text
    assert len(text) < 500
    assert "\\x1b[31mred" in text


def test_full_detail_leaves_nothing_out_and_an_excerpt_says_what_it_does() -> None:
    span = Span(Hit("a.py", 1, 2, "", "s", 0.5, f"s = '{'x' * 1_234}'\nend", root="."))
    assert lay_out([span], "s", Detail.FULL, 2_000).pieces[0].text == span.hit.content
    first = lay_out([span], "s", Detail.SNIPPETS, 2_000).pieces[0].text.split("\n")[0]
    assert first == f"1  s = '{'x' * 192}… (+1,043 characters)"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.integers(1, 30), st.floats(0, 1)), max_size=12),
    st.sampled_from(list(Detail)),
    st.integers(150, 1_500),
)
def test_the_budget_holds_for_both_forms(found: list[tuple[str, int, int, float]], detail: Detail, budget: int) -> None:
    page = lay_out([hit(f"{name}.py", start, lines, score) for name, start, lines, score in found], "9", detail, budget)
    if page.taken > 1:
        assert tokens(page.text()) <= budget
        assert tokens(json.dumps(page.results(), ensure_ascii=False)) <= budget + 3
    assert page.taken <= len(found)
    for piece in page.pieces:
        if piece.text and detail is Detail.FULL and "  " not in piece.text:
            assert len(piece.text.split("\n")) <= piece.end_line - piece.start_line + 1
