"""A list goes on where it ended, or says that it cannot."""

from __future__ import annotations

import pytest

from coderank.errors import InvalidQueryError
from coderank.serving import cursor
from coderank.serving.cursor import StaleCursorError
from coderank.types import Hit

HITS = [Hit(f"{number}.py", 1, 2, "python", "", 1 - number / 10, "x", root=".") for number in range(5)]


def test_a_list_is_gone_through_once() -> None:
    given, seen = "", []
    while True:
        place = cursor.begin("q", given, 50)
        cursor.check(place, HITS)
        assert place.window == 50
        seen += HITS[place.taken : place.taken + 2]
        given = cursor.after(place, HITS, len(HITS[place.taken : place.taken + 2]))
        if not given:
            break
    assert seen == HITS


def test_the_window_of_the_first_page_stays() -> None:
    place = cursor.begin("q", cursor.after(cursor.begin("q", "", 80), HITS, 2), 50)
    assert (place.taken, place.window) == (2, 80)


def test_another_question_is_refused() -> None:
    given = cursor.after(cursor.begin("q", "", 50), HITS, 2)
    with pytest.raises(InvalidQueryError, match="another question"):
        cursor.begin("r", given, 50)


def test_a_list_that_changed_is_stale_but_only_in_what_was_seen() -> None:
    place = cursor.begin("q", cursor.after(cursor.begin("q", "", 50), HITS, 2), 50)
    cursor.check(place, [*HITS[:2], HITS[4]])
    with pytest.raises(StaleCursorError, match="Ask again without the cursor"):
        cursor.check(place, [HITS[1], HITS[0], *HITS[2:]])


@pytest.mark.parametrize(
    "given", ["x", "!!!", "W10", "é", "WzUsNTAwMCwiYSIsImIiXQ", "WzAsNTAsImEiLCJiIl0", "a" * 9_999]
)
def test_anything_else_is_no_cursor(given: str) -> None:
    with pytest.raises(InvalidQueryError):
        cursor.begin("q", given, 50)
