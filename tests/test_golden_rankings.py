"""The ranking of the pinned corpus is the committed one: exactly where words alone decide, and up to ties elsewhere."""

from __future__ import annotations

import pytest
from tests.golden import rankings
from tests.golden.rankings import Line, Rankings

TIE = 1e-3
"""Scores that differ by less may change places: the last digit of a committed score is a tenth of it."""
MOST = 0.02
"""What 8-bit kernels of different CPUs may differ by in a cosine: each is that close to the reference
(tests/embedding/test_golden.py). Beyond it the ranking has changed, whatever the CPU."""


@pytest.fixture(scope="module")
def committed() -> Rankings:
    return rankings.parse(rankings.PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def ranked() -> tuple[Rankings, str]:
    found, measures, what = rankings.rank()
    return rankings.parse(rankings.render(found, measures, what)), what


def of_mode(found: Rankings, mode: str) -> Rankings:
    return {key: lines for key, lines in found.items() if key[0] == mode}


def test_the_same_corpus_and_questions_were_ranked(committed: Rankings, ranked: tuple[Rankings, str]) -> None:
    assert rankings.PAGE.read_text("utf-8").split("\n", 1)[0] == f"# {ranked[1]}", "run: make golden"
    assert committed.keys() == ranked[0].keys(), "run: make golden"


def test_what_words_alone_find_is_ranked_as_committed(committed: Rankings, ranked: tuple[Rankings, str]) -> None:
    assert of_mode(ranked[0], "lexical") == of_mode(committed, "lexical"), "look at it, then run: make golden"


def test_what_is_found_by_meaning_too_is_ranked_as_committed(committed: Rankings, ranked: tuple[Rankings, str]) -> None:
    ours, theirs = of_mode(ranked[0], "hybrid"), of_mode(committed, "hybrid")
    shift = largest_shift(ours, theirs)
    assert shift <= MOST, f"a score has moved by {shift}: look at it, then run: make golden"
    tolerance = max(TIE, 2 * shift)
    wrong = {
        question: differing
        for (_, question) in ours
        if (differing := changed_places(ours, theirs, question, tolerance))
    }
    assert wrong == {}, "look at it, then run: make golden"


def largest_shift(ours: Rankings, theirs: Rankings) -> float:
    """By how much the score of a hit differs at most."""
    shifts = [0.0]
    for key, lines in ours.items():
        before = {line.place: line.score for line in theirs[key]}
        shifts += [abs(line.score - before[line.place]) for line in lines if line.place in before]
    return max(shifts)


def changed_places(ours: Rankings, theirs: Rankings, question: str, tolerance: float) -> list[str]:
    """The places of a question that changed theirs, or came in, by more than a tie allows."""
    mine, before = ours["hybrid", question], theirs["hybrid", question]
    return [line.place for rank, line in enumerate(mine) if not stays(line, rank, before, tolerance)]


def stays(line: Line, rank: int, before: list[Line], tolerance: float) -> bool:
    """Whether the committed list has this hit here, or one of practically the same score."""
    return rank < len(before) and (
        before[rank].place == line.place or abs(before[rank].score - line.score) <= tolerance
    )


def test_a_swap_of_unlike_scores_would_be_noticed() -> None:
    before = [Line("a", right=True, score=0.9), Line("b", right=False, score=0.8)]
    assert stays(Line("b", right=False, score=0.8995), 0, before, TIE)
    assert not stays(Line("b", right=False, score=0.8), 0, before, TIE)
    assert not stays(Line("c", right=False, score=0.7), 2, before, TIE)
