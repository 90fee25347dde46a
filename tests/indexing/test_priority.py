from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.indexing.priority import ASIDE, SOURCE, VENDORED, order, rank_of


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("src/app/session.py", SOURCE),
        ("main.go", SOURCE),
        ("src/contest.py", SOURCE),
        ("latest.ts", SOURCE),
        ("tests/session.py", ASIDE),
        ("src/test_session.py", ASIDE),
        ("pkg/server_test.go", ASIDE),
        ("src/app.spec.ts", ASIDE),
        ("README.md", ASIDE),
        ("docs/conf.py", ASIDE),
        ("package.json", ASIDE),
        ("Docs/guide.rb", ASIDE),
        ("vendor/lib/main.go", VENDORED),
        ("third_party/tests/a.py", VENDORED),
    ],
)
def test_rank(path: str, rank: int) -> None:
    assert rank_of(path) == rank


def test_asked_for_then_source_then_recent_then_path() -> None:
    pending = [("1", "vendor/a.py"), ("2", "b.py"), ("3", "a.py"), ("4", "new.py"), ("5", "README.md"), ("6", "a.py")]
    assert order(pending, first=["5", "gone"], modified={"new.py": 9}) == ["5", "4", "3", "6", "2", "1"]


def test_the_order_of_first_is_kept() -> None:
    pending = [("1", "a"), ("2", "b"), ("3", "c")]
    assert order(pending, first=["3", "1", "3"], modified={}) == ["3", "1", "2"]


@given(
    st.lists(st.tuples(st.uuids().map(str), st.sampled_from(["a.py", "tests/b.py", "vendor/c.py", "d.md"]))),
    st.randoms(),
)
def test_the_order_is_total(pending: list[tuple[str, str]], random: object) -> None:
    shuffled = list(pending)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(pending, first=[], modified={}) == order(shuffled, first=[], modified={})
    assert sorted(order(pending, first=[], modified={})) == sorted(id_ for id_, _ in pending)
