"""The card of a model is made of what is known of it, and is never stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.evaluation.run_samples import answer, run

from coderank.errors import DatasetError
from coderank.evaluation import runs
from coderank.evaluation.runs import Run
from coderank.models.bundled import Weights, read_manifest
from coderank.models.catalogue import MODELS, get
from training import cards, facts, ship

NAME = "coderank-mini"
ENTRY = Weights(name=NAME, file="coderank-mini.onnx", size=24_054_019, sha256="ab" * 32, version="3")
PACKAGES = [
    {"name": "a", "language": "go", "licences": ["MIT", "ISC"]},
    {"name": "b", "language": "go", "licences": ["MIT"]},
    {"name": "c", "language": "zig", "licences": ["BSD-2-Clause"]},
]


def scored(model: str, *scores: float) -> Run:
    return run(*(answer(number, score) for number, score in enumerate(scores)), model=model)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of weights with one model."""
    folder = tmp_path / "package"
    (folder / "cards").mkdir(parents=True)
    entry = {"name": NAME, "file": ENTRY.file, "size": ENTRY.size, "sha256": ENTRY.sha256, "version": "3"}
    (folder / "manifest.json").write_text(json.dumps({"models": [entry]}))
    return folder


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """What is known of it."""
    folder = tmp_path / "figures"
    folder.mkdir()
    known = facts.Facts(
        purpose="Finds code.",
        base=facts.Base("a-base", "Apache-2.0"),
        pairs={"zig": 1_000, "go": 20_500, "nix": 7, "sql": 3},
        packages=4,
        dropped={"the same question": 12},
        kept_out=("What is measured with.",),
        commands=("python -m training.fit DATA BASE OUT",),
        machine="One GPU, nine minutes.",
        figures=(),
        limits=("It reads 256 tokens.", "English."),
    )
    facts.write_facts(NAME, known, folder)
    return folder


def test_no_card_of_this_project_is_stale() -> None:
    assert cards.stale(ship.PACKAGE, cards.cards(ship.PACKAGE)) == []


@pytest.mark.parametrize("name", ship.NAMES)
def test_what_is_known_of_every_model_can_be_read(name: str) -> None:
    known = facts.read_facts(name)
    assert known.base.licence == "Apache-2.0"
    assert known.limits
    assert any(f"training.ship {name}" in command for command in known.commands)
    assert name in {model.name for model in MODELS}


def test_a_card_says_what_the_model_is_made_of_and_is_not(figures: Path) -> None:
    text = cards.card(get(NAME), ENTRY, facts.read_facts(NAME, figures), PACKAGES)
    for part in (
        "# coderank-mini\n\nFinds code.",
        "| kind | embedder, 384 dimensions |",
        "| file | coderank-mini.onnx, 24,054,019 bytes |",
        f"| SHA-256 | `{ENTRY.sha256}` |",
        "| made from | a-base, Apache-2.0 |",
        "Not measured yet.",
        "21,510 pairs of a description",
        "out of 4 packages",
        "| go | 20,500 |\n| zig | 1,000 |\n| others: nix, sql | 10 |",
        "MIT (2), BSD-2-Clause (1), ISC (1).",
        "Kept out:\n\n- What is measured with.\n- 12 pairs were dropped: the same question.",
        "$ python -m training.fit DATA BASE OUT\n```\n\nOne GPU, nine minutes.",
        "- It reads 256 tokens.\n- English.\n",
    ):
        assert part in text
    assert "$" not in text.replace("$ python", "")


def test_cards_are_written_checked_and_taken_away(
    package: Path, figures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--package", str(package), "--figures", str(figures)]
    with pytest.raises(SystemExit, match=r"Stale: coderank-mini\.md\. Run: python -m training\.cards"):
        cards.main(["--check", *where])
    (package / "cards" / "gone.md").write_text("of a model that is there no more")
    cards.main(where)
    assert sorted(path.name for path in (package / "cards").iterdir()) == ["coderank-mini.md"]
    assert "coderank-mini.md" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cards.main(["--check", *where])
    assert ended.value.code == 0


def test_a_model_of_which_nothing_is_known_has_no_card(package: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Cannot read what is known of coderank-mini"):
        cards.cards(package, tmp_path)


def test_a_figure_comes_from_a_run_and_takes_the_place_of_an_older_one(figures: Path, tmp_path: Path) -> None:
    ours, theirs = scored("ours", 1.0, 0.5, 1.0), scored("theirs", 0.5, 0.5, 0.5)
    runs.write(tmp_path / "ours.json", ours)
    runs.write(tmp_path / "theirs.json", theirs)
    for file in ("theirs", "ours"):
        given = ["figure", NAME, "a set", str(tmp_path / f"{file}.json"), "--against", str(tmp_path / "theirs.json")]
        facts.main([*given, "--folder", str(figures)])
    (found,) = facts.read_facts(NAME, figures).figures
    assert (found.what, found.questions, found.against) == ("a set", 3, theirs.name)
    assert found.value.mean == pytest.approx(2.5 / 3, abs=1e-4)
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(1 / 3, abs=1e-4)
    assert found.value.low <= found.value.mean <= found.value.high
    text = cards.card(get(NAME), ENTRY, facts.read_facts(NAME, figures), [])
    assert f"| a set | 3 | nDCG@10 | 0.833 [{found.value.low:.3f}, {found.value.high:.3f}] | +0.333 [" in text


def test_the_account_of_the_data_is_taken_over(figures: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    split = {"packages": 7, "pairs": 9, "languages": {"go": 9}}
    report.write_text(json.dumps({"pairs": {"kept": 9, "a copy": 2}, "train": split, "dev": split}))
    facts.main(["data", NAME, str(report), "--folder", str(figures)])
    known = facts.read_facts(NAME, figures)
    assert (known.pairs, known.packages, known.dropped) == ({"go": 9}, 7, {"a copy": 2})
    assert known.purpose == "Finds code."


def test_runs_over_other_questions_are_not_compared() -> None:
    with pytest.raises(DatasetError, match="did not answer the same questions"):
        facts.figure("a set", scored("ours", 1.0), scored("theirs", 0.5, 0.5))


def test_the_manifest_lists_models_by_name() -> None:
    names = [one.name for one in read_manifest(ship.PACKAGE).models]
    assert names == sorted(names)
