"""One answer from several roots."""

from __future__ import annotations

from coderank.retrieval.merge import merged
from coderank.types import Hit, IndexInfo, SearchResult, Stage


def answer(*places: tuple[float, str, int], root: str = "a", chunks: int = 10, coverage: float = 1.0) -> SearchResult:
    hits = tuple(Hit(path, line, line, "python", "", score, "x", root) for score, path, line in places)
    return SearchResult("q", hits, (Stage("embed", 1.0, root),), IndexInfo("m", chunks, coverage))


def test_one_answer_stays_as_it_is() -> None:
    only = answer((0.5, "x.py", 1))
    assert merged([only], 10) is only


def test_hits_are_in_total_order_and_cut() -> None:
    joined = merged(
        [answer((0.9, "b.py", 1), (0.5, "c.py", 9)), answer((0.9, "a.py", 1), (0.5, "c.py", 2), root="b")], 3
    )
    assert [(hit.path, hit.start_line) for hit in joined] == [("a.py", 1), ("b.py", 1), ("c.py", 2)]


def test_equal_places_are_ordered_by_root_whatever_the_order_asked() -> None:
    one, two = answer((0.5, "x.py", 1), root="a"), answer((0.5, "x.py", 1), root="b")
    assert merged([one, two], 2).hits == merged([two, one], 2).hits


def test_stages_add_up_and_coverage_is_weighed_by_chunks() -> None:
    joined = merged([answer(chunks=30, coverage=1.0), answer(root="b", chunks=10, coverage=0.0)], 5)
    assert joined.stages == (Stage("embed", 2.0, "a; b"),)
    assert joined.index == IndexInfo("m", 40, 0.75)


def test_nothing_indexed_misses_nothing() -> None:
    assert merged([answer(chunks=0), answer(chunks=0)], 5).index.dense_coverage == 1.0


def test_what_overlapping_roots_both_find_is_listed_once() -> None:
    whole = answer((0.3, "src/x.py", 1), root=".")
    part = answer((0.7, "x.py", 1), (0.5, "y.py", 1), root="src")
    joined = merged([whole, part], 9)
    assert [(hit.score, hit.root, hit.path) for hit in joined] == [(0.7, "src", "x.py"), (0.5, "src", "y.py")]
