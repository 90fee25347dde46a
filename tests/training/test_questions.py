"""Questions are phrased as people ask, and phrased alike in every run."""

from __future__ import annotations

import random

import pytest
from tests.training.samples import pair
from training.pair import Pair
from training.questions import imperative, question, text

from training import questions

ASKED = pair(
    "Returns the name of the drawer", "till.py\ndef name(): ...", detail="Returns the name of the drawer. Slow."
)


def phrased(one: Pair, count: int = 400) -> list[str]:
    dice = random.Random(3)
    return [question(one, dice) for _ in range(count)]


def test_the_same_seed_asks_the_same() -> None:
    assert phrased(ASKED) == phrased(ASKED)


def test_every_shape_is_asked_about_as_often_as_is_said() -> None:
    asked = phrased(ASKED, 2_000)
    assert asked.count(ASKED.detail) == pytest.approx(2_000 * questions.DETAIL, rel=0.15)
    sentences = [one for one in asked if one.endswith("return the name of the drawer") and one[0] in "hwf"]
    assert {"how to return the name of the drawer", "where do we return the name of the drawer"} <= set(sentences)
    assert ASKED.summary in asked
    words = [one for one in asked if "python" in one.split()]
    assert words
    assert all({"return", "name", "drawer"} <= set(one.split()) for one in words)


def test_a_comment_that_has_no_detail_is_asked_by_its_summary() -> None:
    one = pair("count every coin twice")
    assert "" not in phrased(one)


def test_the_name_that_a_comment_begins_with_is_mostly_dropped() -> None:
    named = pair("settleBills pays every bill", "till.go\nfunc settleBills() {}", language="go")
    asked = phrased(named)
    whole = [one for one in asked if "settlebills" in one.lower()]
    assert 0 < len(whole) < 0.5 * len(asked)


def test_some_texts_are_shown_without_their_header() -> None:
    dice = random.Random(1)
    shown = [text(ASKED, dice) for _ in range(1_000)]
    assert set(shown) == {ASKED.text, ASKED.bare}
    assert shown.count(ASKED.bare) == pytest.approx(1_000 * questions.BARE, rel=0.2)


@pytest.mark.parametrize(
    ("summary", "wanted"),
    [
        ("Returns the name", "return the name"),
        ("Matches a rule", "match a rule"),
        ("Processes it all", "process it all"),
        ("process a file", "process a file"),
        ("Class of shops", "class of shops"),
        ("JSON of it", "JSON of it"),
    ],
)
def test_a_statement_becomes_what_is_to_be_done(summary: str, wanted: str) -> None:
    assert imperative(summary) == wanted
