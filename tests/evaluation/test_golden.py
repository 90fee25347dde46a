"""A user's own questions are read strictly, and written as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from coderank.errors import DatasetError
from coderank.evaluation import golden
from coderank.evaluation.golden import Asked, Place
from coderank.evaluation.judging import Target


def test_text_is_a_question_a_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("where are logins limited\n\n  who parses headers  \n")
    found = golden.read(file)
    assert [(one.text, one.targets, one.id) for one in found.questions] == [
        ("where are logins limited", (), "1"),
        ("who parses headers", (), "2"),
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_json_carries_answers(tmp_path: Path, suffix: str) -> None:
    answers = '["a.py", {"path": "b.py", "start_line": 3, "end_line": 9}]'
    row = f'{{"query": "where?", "category": "symbol", "relevant": {answers}}}'
    file = tmp_path / f"questions{suffix}"
    file.write_text(f"[{row}]" if suffix == ".json" else f"{row}\n")
    (question,) = golden.read(file).questions
    assert question.targets == (Target("a.py"), Target("b.py", (3, 9)))
    assert question.category == "symbol"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    asked = [
        Asked("one", ("a.py",), category="commit", hides=(Place("a.py", 3, 4),)),
        Asked("zwei – drei", (Place("b.py", 1, 2),)),
    ]
    file = tmp_path / "new" / "questions.jsonl"
    golden.write(file, asked)
    assert golden.questions(file) == asked


def test_questions_that_hide_lines_are_not_asked_of_an_index_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    golden.write(file, [Asked("one", ("a.py",), hides=(Place("a.py", 3, 4),))])
    with pytest.raises(DatasetError, match="these lines have to be hidden") as caught:
        golden.read(file)
    assert "coderank compare" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "q.jsonl",
            '{"query": "a"}\n{"query": "a", "relevent": []}\n',
            "line 2: Object contains unknown field `relevent`",
        ),
        ("q.jsonl", "nonsense\n", "line 1: JSON is malformed"),
        ("q.jsonl", '{"query": " "}\n', "Question 1 of .* has no text"),
        ("q.json", '{"query": "a"}', "Expected `array`, got `object`"),
        ("q.txt", "\n \n", "holds no question"),
        ("q.txt", "\udcff", "is not text in UTF-8"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(DatasetError, match=message):
        golden.read(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Cannot read"):
        golden.read(tmp_path / "none.txt")
