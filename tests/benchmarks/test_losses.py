"""Losses: each target's stage by hand, shares that add up to what a question lacks, the whole way on a few files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.loss_stages import DENSE, LEXICAL, SHIPPED, SUM, Stage, losses

from benchmarks import losses as benchmark
from coderank.evaluation.judging import Question, Target, chunk_score

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.evaluation.judging import Place


def places(*names: str) -> list[Place]:
    return [(name, 1, 10) for name in names]


OTHERS = [f"x{number}.py" for number in range(12)]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({SHIPPED: ["x0.py", "a.py"], SUM: ["a.py"]}, Stage.LOW),
        ({SHIPPED: [*OTHERS, "a.py"], SUM: ["a.py"]}, Stage.PUSHED_DOWN),
        ({SHIPPED: [*OTHERS, "a.py"], SUM: [*OTHERS, "a.py"], LEXICAL: ["a.py"]}, Stage.FUSED_AWAY),
        ({SHIPPED: [*OTHERS, "a.py"], SUM: [*OTHERS, "a.py"], DENSE: [*OTHERS, "a.py"]}, Stage.OUTRANKED),
        ({SHIPPED: OTHERS, SUM: OTHERS, DENSE: [*OTHERS, "a.py"]}, Stage.NOT_RETRIEVED),
    ],
)
def test_the_stage_that_lost_a_file(lists: dict[str, list[str]], expected: Stage) -> None:
    question = Question("one", "where is a", "semantic", (Target("a.py"),))
    whole = {name: places(*lists.get(name, [])) for name in (SHIPPED, SUM, DENSE, LEXICAL)}
    (loss,) = losses(question, whole, places("a.py", *OTHERS))
    assert loss.stage is expected
    assert loss.share == pytest.approx(1 - chunk_score(question.targets, whole[SHIPPED]))
    assert all(path != "a.py" for path, _, _ in loss.above)


def test_a_file_that_is_not_indexed_and_a_span_shown_by_its_neighbour() -> None:
    question = Question("one", "where is a", "semantic", (Target("a.py", (20, 30)), Target("b.py")))
    lists = {name: places("a.py") for name in (SHIPPED, SUM, DENSE, LEXICAL)}
    found = {loss.target.path: loss.stage for loss in losses(question, lists, places("a.py"))}
    assert found == {"a.py": Stage.OTHER_CHUNK, "b.py": Stage.NOT_INDEXED}


def test_shares_add_up_to_what_a_question_lacks() -> None:
    targets = (Target("a.py"), Target("b.py"), Target("a.py", (5, 6)), Target("c.py"))
    lists = {name: places("x0.py", "b.py", "x1.py", "a.py") for name in (SHIPPED, SUM, DENSE, LEXICAL)}
    question = Question("one", "where are they", "architecture", targets)
    found = list(losses(question, lists, places("a.py", "b.py", "c.py", *OTHERS)))
    assert sum(loss.share for loss in found) == pytest.approx(1 - chunk_score(targets, lists[SHIPPED]))
    assert Stage.SHARED in {loss.stage for loss in found}


def test_an_answer_in_its_place_is_no_loss() -> None:
    question = Question("one", "where is a", "symbol", (Target("a.py"),))
    assert list(losses(question, {name: places("a.py") for name in (SHIPPED, SUM, DENSE, LEXICAL)}, [])) == []


def test_from_repositories_to_a_list_of_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "repos.json").write_text(json.dumps([{"name": "one", "language": "python"}]))
    items = [
        {"query": "read_tokens", "relevant": ["tokens.py"], "category": "symbol"},
        {"query": "how are tokens read", "relevant": ["gone.py"], "category": "semantic"},
    ]
    (tmp_path / "annotations" / "one.json").write_text(json.dumps(items))
    file = tmp_path / "repositories" / "one" / "tokens.py"
    file.parent.mkdir(parents=True)
    file.write_text("def read_tokens(text):\n    return text.split()\n")
    benchmark.main([str(tmp_path), str(tmp_path / "repositories"), "--list"])
    printed = capsys.readouterr().out
    assert "1.000 one, semantic: how are tokens read\n  gone.py: its file is not in the index; " in printed
    assert "  above: tokens.py:1-2" in printed
    assert "| its file is not in the index | 1 | 500.0 | 0.0 | 1000.0 | 0.0 |" in printed
