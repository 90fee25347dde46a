"""The paired bootstrap: seeded, paired, weighted."""

from __future__ import annotations

import pytest

from coderank.evaluation import bootstrap
from coderank.evaluation.bootstrap import paired


def test_same_scores_differ_by_nothing() -> None:
    found = paired([0.1, 0.9, 0.5], [0.1, 0.9, 0.5])
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_constant_difference_has_no_spread() -> None:
    found = paired([0.5, 0.7, 0.9], [0.4, 0.6, 0.8])
    assert found.mean == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)


def test_the_interval_holds_the_mean_and_is_as_wide_as_theory_says() -> None:
    ours = [0.0, 1.0] * 200
    found = paired(ours, [0.5] * 400)
    # Standard error of a mean of 400 values of deviation 0.5 is 0.025.
    assert found.low == pytest.approx(-1.96 * 0.025, abs=0.006)
    assert found.high == pytest.approx(1.96 * 0.025, abs=0.006)


def test_it_is_seeded() -> None:
    ours, theirs = [0.1, 0.4, 0.3, 0.9], [0.2, 0.1, 0.3, 0.5]
    assert paired(ours, theirs) == paired(ours, theirs)


def test_weights_are_those_of_the_mean() -> None:
    # Two questions about one repository, one about another: the mean over repositories.
    found = paired([1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 1.0])
    assert found.mean == pytest.approx(0.25)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0, 2.0], [1.0])])
def test_nothing_and_unpaired_scores_are_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"weights|broadcast"):
        paired(ours, theirs, [1.0] * 3)


def test_the_text_has_signs_and_the_record_is_rounded() -> None:
    found = paired([0.5, 0.7], [0.4, 0.6])
    assert found.text() == "+0.100 [+0.100, +0.100]"
    assert found.record() == {"mean": 0.1, "low": 0.1, "high": 0.1}


def test_the_draw_does_not_depend_on_how_much_is_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = [0.1 * (n % 7) for n in range(50)], [0.1 * (n % 5) for n in range(50)]
    whole = paired(ours, theirs)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 3_333)
    assert paired(ours, theirs) == whole
