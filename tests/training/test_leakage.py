"""What is measured on, or was seen before, is not trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.training.samples import many, pair
from training.leakage import Distinct, Measured, drop, sketch, words
from training.pair import Pair, read, write

from training import dataset, leakage

MEASURED = """\
def settle(bills, account):
    open_bills = [bill for bill in bills if not bill.paid]
    for bill in sorted(open_bills, key=lambda bill: bill.due):
        if account.balance < bill.amount:
            raise ValueError("not enough")
        account.pay(bill.amount, bill.receiver)
        bill.paid = True
    return len(open_bills)
"""
ASKED = "settle all bills of an account in order"


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """One set of questions and texts, and the repositories of another."""
    folder = tmp_path / "sets"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "corpus.jsonl").write_text(json.dumps({"_id": "1", "text": MEASURED}) + "\n")
    (folder / "one" / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": ASKED}) + "\n")
    (folder / "localisation").mkdir()
    (folder / "localisation" / "repos.json").write_text('[{"name": "till"}]')
    (tmp_path / "repositories" / "till").mkdir(parents=True)
    return folder


@pytest.fixture
def measured(sets: Path, tmp_path: Path) -> Measured:
    code = MEASURED.replace("bill", "coin").replace("account", "drawer").replace("settle", "sort_out")
    (tmp_path / "repositories" / "till" / "coins.py").write_text(code)
    return Measured(sets, tmp_path / "repositories")


def dropped(one: Pair, measured: Measured) -> str:
    counts: dict[str, int] = {}
    list(drop([one], measured, counts))
    (reason,) = counts
    return reason


def test_the_same_code_in_another_layout_is_dropped(measured: Measured) -> None:
    one = pair("pay what is due", "other.py\n" + " ".join(MEASURED.split()).upper())
    assert dropped(one, measured) == "the same code as in an evaluation"


def test_nearly_the_same_code_is_dropped(measured: Measured) -> None:
    one = pair("pay what is due", "other.py\n" + MEASURED.replace("not enough", "too little money"))
    assert dropped(one, measured) == "nearly the same code as in an evaluation"


def test_code_of_a_repository_that_is_asked_about_is_dropped(measured: Measured, tmp_path: Path) -> None:
    code = (tmp_path / "repositories" / "till" / "coins.py").read_text()
    assert measured.texts == 3
    assert dropped(pair("pay what is due", "other.py\n" + code), measured).endswith("the same code as in an evaluation")


def test_the_same_question_is_dropped(measured: Measured) -> None:
    assert (
        dropped(pair("Settle all bills of an account, in order!"), measured) == "the same question as in an evaluation"
    )


def test_other_pairs_are_kept(measured: Measured) -> None:
    assert dropped(pair(), measured) == "kept"


def test_of_pairs_that_are_nearly_the_same_the_first_is_kept(measured: Measured) -> None:
    code = "\n".join(f"    step_{number}(ledger, mode_{number})" for number in range(40))
    first = pair("walk through the ledger", f"a.py\ndef walk():\n{code}")
    second = pair("go over the ledger", f"b.py\ndef walk():\n{code}\n    return 1")
    counts: dict[str, int] = {}
    assert list(drop([first, second], measured, counts)) == [first]
    assert counts == {"kept": 1, "a near-duplicate of another pair": 1}


def test_a_question_that_many_ask_is_kept_twice(measured: Measured) -> None:
    pairs = [pair("Return a string for it", f"a.py\ndef f{number}(): return {number}") for number in range(4)]
    counts: dict[str, int] = {}
    assert list(drop(pairs, measured, counts)) == pairs[: leakage.MOST_ASKED]
    assert counts == {"kept": 2, "a question that others ask": 2}


def test_distinct_lets_the_same_text_pass_once() -> None:
    distinct = Distinct()
    text = " ".join(words(MEASURED))
    assert distinct.is_new(text, sketch(text))
    assert not distinct.is_new(text, sketch(text))
    assert distinct.is_new("too short", sketch("too short"))
    assert not distinct.is_new("too short", None)


def test_a_data_set_is_split_by_package_and_reported(sets: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "pairs").mkdir(parents=True)
    held = next(name for name in map(str, range(1_000)) if dataset.is_held_out(name))
    for seed, name in enumerate(("shop", held)):
        own = [pair(one.summary + name, one.text, package=name) for one in many(4, seed=seed)]
        write(work / "pairs" / f"{name}.jsonl.gz", own)
    write(work / "pairs" / "leaked.jsonl.gz", [pair("pay it", "x.py\n" + MEASURED, package="leaked")])
    dataset.build(work, sets, tmp_path / "repositories", ["vanished"])
    assert {one.package for one in read(work / "train.jsonl.gz")} == {"shop"}
    assert {one.package for one in read(work / "dev.jsonl.gz")} == {held}
    report = json.loads((work / "report.json").read_text())
    assert report["gone"] == ["vanished"]
    assert report["measured_texts"] == 2
    assert report["pairs"]["the same code as in an evaluation"] == 1
    assert report["train"]["pairs"] + report["dev"]["pairs"] == report["pairs"]["kept"]
    assert report["train"]["languages"] == {"python": report["train"]["pairs"]}


def test_few_packages_are_held_out() -> None:
    held = sum(dataset.is_held_out(f"package-{number}") for number in range(2_000))
    assert held == pytest.approx(2_000 * dataset.HELD_OUT / 100, rel=0.3)
