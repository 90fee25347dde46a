"""Two sides: how alike, what is lost, and whether the new one may take the old one's place."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from tests.evaluation.run_samples import run

from coderank.errors import DatasetError
from coderank.evaluation import compare_report, golden
from coderank.evaluation.datasets import Dataset
from coderank.evaluation.gate import gate
from coderank.evaluation.golden import Asked
from coderank.evaluation.sides import Comparison, Cost, Pair, Side, judgeable, side
from coderank.types import Hit, IndexInfo, SearchResult, Stage

JUDGED = golden.dataset("mine", [Asked(f"question {n}", (f"{n}.py",)) for n in range(20)])
UNJUDGED = golden.dataset("mine", [Asked(f"question {n}") for n in range(20)])


def answering(*paths: str, right_first: bool = True) -> Side:
    """A side that finds the right file first or last, and these."""
    return asked(JUDGED, paths, right_first=right_first)


def asked(dataset: Dataset, paths: Sequence[str], *, right_first: bool = True) -> Side:
    def search(query: str, limit: int, *, rerank: bool) -> SearchResult:
        right = f"{query.split()[1]}.py"
        found = [right, *paths] if right_first else [*paths, right]
        hits = tuple(Hit(path, 1, 9, "python", "", 1.0, "") for path in found[:limit])
        return SearchResult(query, hits, (Stage("embed", 3.0),), IndexInfo("tiny", 9, 1.0))

    return side(search, dataset, run(), Cost((), disk_bytes=3 * 2**20, peak_mib=99.0))


def test_equal_sides_are_alike_and_pass() -> None:
    found = Comparison(answering("x.py", "y.py"), answering("x.py", "y.py"))
    assert found.likeness() == {
        "overlap@10": 1.0,
        "overlap@10 of files": 1.0,
        "rank-biased overlap of files": pytest.approx(1.0),
        "same file first": 1.0,
        "mean shift in ranks": 0.0,
    }
    assert found.verdict(0.0).passed
    assert found.verdict(0.0, sure=True).passed


def test_a_loss_is_measured_and_fails() -> None:
    found = Comparison(answering("x.py"), answering("x.py", right_first=False))
    assert found.judged is not None
    assert found.judged.losses == 20
    verdict = found.verdict(0.3)
    assert not verdict.passed
    assert verdict.text == (
        "failed: nDCG@10 -0.369 [-0.369, -0.369] over 20 judged questions; a loss of 0.3 is allowed"
    )
    assert found.verdict(0.4).passed
    assert Comparison(found.new, found.old).verdict(0.0).passed


def test_a_loss_within_the_mean_may_reach_beyond_it() -> None:
    questions = [Asked(f"question {n}", (f"{n}.py",)) for n in range(20)]

    def mixed(query: str, limit: int, *, rerank: bool) -> SearchResult:
        number = int(query.split()[1])
        paths = ["x.py", f"{number}.py"] if number < 5 else [f"{number}.py", "x.py"]
        hits = tuple(Hit(path, 1, 9, "python", "", 1.0, "") for path in paths[:limit])
        return SearchResult(query, hits, (), IndexInfo("tiny", 9, 1.0))

    found = Comparison(answering("x.py"), side(mixed, golden.dataset("mine", questions), run()))
    assert found.verdict(0.1).passed
    assert not found.verdict(0.1, sure=True).passed


def test_pairs_say_what_moved() -> None:
    found = Comparison(answering("x.py", "y.py"), answering("y.py", "z.py", right_first=False))
    pair = next(pair for pair in found.pairs if pair.old.id == "1")
    assert pair.old.found == ("0.py:1-9", "x.py:1-9", "y.py:1-9")
    assert pair.new.found == ("y.py:1-9", "z.py:1-9", "0.py:1-9")
    assert pair.overlap == pair.files == pytest.approx(2 / 3)
    assert pair.shifts == [-2, 2]
    assert not pair.same_first


def test_the_least_alike_come_first() -> None:
    found = Comparison(answering("x.py"), answering("x.py", right_first=False))
    likeness = [pair.likeness for pair in found.pairs]
    assert likeness == sorted(likeness)
    assert all(isinstance(pair, Pair) for pair in found.pairs)


def test_without_answers_nothing_is_said_of_a_loss() -> None:
    found = Comparison(asked(UNJUDGED, ["x.py"]), asked(UNJUDGED, ["y.py"]))
    assert found.judged is None
    assert found.likeness()["overlap@10"] == pytest.approx(0.5)
    with pytest.raises(DatasetError, match="a loss cannot be judged"):
        found.verdict()
    with pytest.raises(DatasetError, match="a loss cannot be judged"):
        judgeable(UNJUDGED)
    judgeable(JUDGED)


def test_some_answers_may_be_known() -> None:
    half = golden.dataset("half", [Asked("question 0", ("0.py",)), Asked("question 1")])
    found = Comparison(asked(half, ["x.py"]), asked(half, ["x.py"]))
    assert found.judged is not None
    assert len(found.judged.changes) == 1
    assert len(found.pairs) == 2


def test_other_questions_are_refused() -> None:
    other = golden.dataset("other", [Asked(f"question {n}", (f"{n}.py",)) for n in range(1, 21)])
    with pytest.raises(DatasetError, match="did not answer the same questions"):
        Comparison(answering("x.py"), asked(other, ["x.py"]))


def test_json_tables_and_page_show_quality_likeness_and_cost() -> None:
    found = Comparison(answering("x.py"), answering("x.py", right_first=False))
    verdict = found.verdict()
    document = json.loads(compare_report.to_json(found, verdict))
    assert document["verdict"]["passed"] is False
    assert document["judged"]["difference"]["ndcg@10"]["mean"] == pytest.approx(-0.3691)
    assert document["old"]["disk_bytes"] == 3 * 2**20
    assert document["answers"][0]["old"] == ["0.py:1-9", "x.py:1-9"]
    titles = [table.title for table in compare_report.tables(found)]
    assert titles[0] == "Quality over 20 judged questions"
    cost = {row[0]: row[1] for row in list(compare_report.tables(found))[-1].rows}
    assert (cost["on disk"], cost["peak memory"]) == ("3.0 MiB", "99 MiB")
    page = compare_report.html(found, verdict)
    for part in (verdict.text, "Largest losses", "Answers that changed most", "rank-biased overlap"):
        assert part in page


def test_a_page_of_unjudged_questions_has_no_quality() -> None:
    found = Comparison(asked(UNJUDGED, ["x.py"]), asked(UNJUDGED, ["y.py"]))
    page = compare_report.html(found, None)
    assert "Quality" not in page
    assert "Answers that changed most" in page
    assert compare_report.sentences(found, None) == []


def test_the_gate_of_a_migration_gives_verdict_and_comparison() -> None:
    def good(query: str, limit: int, *, rerank: bool) -> SearchResult:
        hits = (Hit(f"{query.split()[1]}.py", 1, 9, "python", "", 1.0, ""),)
        return SearchResult(query, hits, (), IndexInfo("tiny", 9, 1.0))

    def bad(query: str, limit: int, *, rerank: bool) -> SearchResult:
        return SearchResult(query, (), (), IndexInfo("tiny", 9, 1.0))

    verdict, found = gate(good, bad, JUDGED)
    assert not verdict.passed
    assert found.judged is not None
    assert found.judged.losses == 20
    assert gate(bad, good, JUDGED, 0.0, sure=True)[0].passed
    with pytest.raises(DatasetError, match="a loss cannot be judged"):
        gate(good, good, UNJUDGED)
