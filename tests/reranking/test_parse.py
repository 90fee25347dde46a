from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.reranking.parse import Fault, parse

STACK_TRACE = """Traceback (most recent call last):
  File "server.py", line 3, in complete
    scores[2] > scores[1]
IndexError: list index 4 out of range"""

PROSE = [
    "I think [2] is better than [1].",
    "Sorry, I can only rank 3 of the 5 snippets.",
    "Error 429: rate limit of 3 requests in 2 minutes reached",
    "[2] > [1] > [3]\n\nThe second snippet computes the mean.",
    "Ranking: [2] > [1] > [3]",
    "2 > 1 > 3",
    "[2], [1], [3]",
    "[2] < [1] < [3]",
    "[2] >> [1]",
    "[2] [1] [3]",
    "[a] > [b]",
    "[99999] > [1]",
    '{"error": {"code": 503, "message": "[1] > [2]"}}',
    "<html><body>[1] > [2]</body></html>",
    "<think>[1]</think> [2] > [1] > [3]",
    STACK_TRACE,
    ">",
    "[",
    "no numbers at all",
]


@given(st.permutations(range(10)))
def test_a_well_formed_answer_is_read_as_it_stands(order: list[int]) -> None:
    parsed = parse(" > ".join(f"[{position + 1}]" for position in order), 10)
    assert parsed.order == tuple(order)
    assert not parsed.malformed


@pytest.mark.parametrize("answer", ["[2] > [1]", "[2]>[1]", " [2]  >\n[1] \n"])
def test_space_does_not_matter(answer: str) -> None:
    assert parse(answer, 2).order == (1, 0)
    assert not parse(answer, 2).faults


@pytest.mark.parametrize(
    ("answer", "order", "faults"),
    [
        ("[2] > [2] > [1] > [3]", (1, 0, 2), {Fault.DUPLICATE}),
        ("[2] > [7] > [1] > [3]", (1, 0, 2), {Fault.OUT_OF_RANGE}),
        ("[0] > [2] > [1] > [3]", (1, 0, 2), {Fault.OUT_OF_RANGE}),
        ("[3]", (2, 0, 1), {Fault.MISSING}),
        ("[3] > [2] > ", (2, 1, 0), {Fault.CUT_OFF, Fault.MISSING}),
        ("[3] > [2] > [", (2, 1, 0), {Fault.CUT_OFF, Fault.MISSING}),
        ("[3] > [3] > [9]", (2, 0, 1), {Fault.DUPLICATE, Fault.OUT_OF_RANGE, Fault.MISSING}),
    ],
)
def test_the_repair_is_that_of_the_authors_and_is_told(answer: str, order: tuple[int, ...], faults: set[Fault]) -> None:
    parsed = parse(answer, 3)
    assert parsed.order == order
    assert set(parsed.faults) == faults
    assert parsed.malformed


def test_an_identifier_that_is_cut_off_is_not_guessed() -> None:
    parsed = parse(" > ".join(f"[{number}]" for number in range(10, 2, -1)) + " > [1", 10)
    assert parsed.order == (9, 8, 7, 6, 5, 4, 3, 2, 0, 1)
    assert set(parsed.faults) == {Fault.CUT_OFF, Fault.MISSING}


def test_the_cut_that_the_authors_make_loses_nothing() -> None:
    assert parse("[2] > [1] > [3", 3).order == (1, 0, 2)


@pytest.mark.parametrize("answer", PROSE)
def test_prose_is_no_ranking(answer: str) -> None:
    parsed = parse(answer, 5)
    assert parsed.order is None
    assert parsed.faults == (Fault.NOT_A_RANKING,)


@pytest.mark.parametrize("answer", ["", "  \n"])
def test_silence_is_no_ranking(answer: str) -> None:
    assert parse(answer, 5).faults == (Fault.EMPTY,)


def test_identifiers_that_are_all_out_of_range_are_no_ranking() -> None:
    assert parse("[404] > [500]", 10).order is None
    assert parse("[404]", 10).faults == (Fault.OUT_OF_RANGE,)


@given(st.text(st.sampled_from("[]>0123456789 \nab")), st.integers(1, 12))
def test_whatever_comes_an_order_is_a_permutation(answer: str, size: int) -> None:
    parsed = parse(answer, size)
    assert parsed.order is None or sorted(parsed.order) == list(range(size))
    assert parsed.malformed or parsed.order is not None


@given(st.text(), st.integers(1, 12))
def test_only_the_characters_of_a_chain_make_an_order(answer: str, size: int) -> None:
    if set(answer.strip()) - set("[]>0123456789 \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"):
        assert parse(answer, size).order is None
