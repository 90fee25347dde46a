"""Reports say which run is better, whether that is luck, and on which questions."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from tests.evaluation.run_samples import answer, run

from coderank.evaluation.report import Report, html, markdown
from coderank.evaluation.versus import versus

WORSE = [answer(n, 0.2, category="symbol" if n % 2 else "semantic", language="go") for n in range(40)]
BETTER = [answer(n, 0.2 + n % 3 / 10, category="symbol" if n % 2 else "semantic", language="go") for n in range(40)]


def test_a_comparison_counts_wins_and_losses_and_judges_luck() -> None:
    found = versus(run(*BETTER), run(*WORSE, mode="dense"))
    assert (found.wins, found.losses) == (26, 0)
    assert found.differences["ndcg@10"].mean == pytest.approx(0.0975)
    assert found.better() is True
    assert "more than luck; 26 questions better, 0 worse, 14 alike" in found.sentence()
    back = versus(run(*WORSE, mode="dense"), run(*BETTER))
    assert back.better() is False
    assert back.changes[-1].gain == pytest.approx(-0.2)


def test_equal_runs_are_within_luck() -> None:
    found = versus(run(*WORSE), run(*WORSE))
    assert found.better() is None
    assert "within luck; 0 questions better, 0 worse, 40 alike" in found.sentence()


def test_a_score_that_an_earlier_version_rounded_is_the_same_score() -> None:
    found = versus(run(answer(1, 1 / 3), answer(2, 2 / 3)), run(answer(1, 0.333333), answer(2, 0.666667)))
    assert (found.wins, found.losses) == (0, 0)


def test_one_model_goes_without_saying_and_an_earlier_run_is_called_by_its_date() -> None:
    assert [one.name for one in Report.of([run(*WORSE), run(*WORSE, mode="dense")]).runs] == ["hybrid", "dense"]
    report = Report.of([run(*BETTER)], run(*WORSE, date="2025-12-31 10:00 UTC"))
    assert report.baseline is not None
    assert report.baseline.name == "hybrid of 2025-12-31 10:00 UTC"
    assert report.runs[0].name == "hybrid"
    categories = list(report.tables())[2]
    assert categories.columns == ("category", "questions", "hybrid", "hybrid of 2025-12-31 10:00 UTC")
    assert categories.rows[0] == ["semantic", "20", "0.3000", "0.2000"]
    two = Report.of([run(*WORSE), run(*WORSE, model="other")])
    assert [one.name for one in two.runs] == ["tiny hybrid", "other hybrid"]


def test_the_first_run_is_compared_with_the_others_and_every_run_with_a_baseline() -> None:
    three = [run(*BETTER), run(*WORSE, mode="dense"), run(*WORSE, mode="lexical")]
    pairs = [(one.ours.mode, one.theirs.mode) for one in Report.of(three).comparisons()]
    assert pairs == [("hybrid", "dense"), ("hybrid", "lexical")]
    against = Report.of(three[1:], three[0]).comparisons()
    assert [(one.ours.mode, one.theirs.mode) for one in against] == [("dense", "hybrid"), ("lexical", "hybrid")]


def test_tables_show_measures_and_groups_of_more_than_one() -> None:
    titles = [one.title for one in Report.of([run(*BETTER)]).tables()]
    assert titles == ["sample: 40 questions", "nDCG@10 by category", "Median milliseconds by stage"]
    categories = list(Report.of([run(*BETTER)]).tables())[1]
    assert [row[:2] for row in categories.rows] == [["semantic", "20"], ["symbol", "20"]]


def test_json_has_the_measures_and_differences() -> None:
    found = json.loads(Report.of([run(*BETTER, note="1 chunk has no vector"), run(*WORSE, mode="dense")]).json())
    assert found["runs"][1]["measures"]["ndcg@10"] == pytest.approx(0.2)
    assert found["differences"][0]["ndcg@10"]["mean"] == pytest.approx(0.0975)
    assert found["notes"] == ["hybrid: 1 chunk has no vector"]


def test_a_note_on_every_run_is_made_once() -> None:
    report = Report.of(
        [run(*BETTER, note="two answers are missing"), run(*WORSE, mode="dense", note="two answers are missing")]
    )
    assert report.notes() == ["two answers are missing"]


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def test_the_page_and_markdown_show_verdict_notes_and_what_changed_most() -> None:
    report = Report.of([run(*BETTER, note="1 chunk has no vector"), run(*WORSE, mode="dense")])
    text = Text()
    text.feed(html(report))
    said = " ".join(text.seen)
    for part in (
        report.comparisons()[0].sentence(),
        "1 chunk has no vector",
        "Largest gains",
        "a.py:1-9 ✓",
        "2 cores",
        "tiny",
        "(one, +0.200)",
    ):
        assert part in said
    assert "Largest losses" not in said
    assert "| semantic | 20 |" in markdown(report)
    assert report.comparisons()[0].sentence() in markdown(report)
