"""Data sets are read strictly: what cannot be used is named with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coderank.errors import DatasetError
from coderank.evaluation.datasets import load
from coderank.evaluation.judging import Target

CORPUS: list[dict[str, object]] = [
    {"_id": "d1", "title": "Ring", "text": "push"},
    {"_id": "d2", "text": "pop", "metadata": {"language": "Go"}},
]
QUERIES: list[dict[str, object]] = [{"_id": "q1", "text": "add an item"}, {"_id": "q2", "text": "of another split"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


def lines(rows: list[dict[str, object]]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "ring"
    (place / "qrels").mkdir(parents=True)
    (place / "corpus.jsonl").write_text(lines(CORPUS))
    (place / "queries.jsonl").write_text(lines(QUERIES))
    (place / "qrels" / "test.tsv").write_text(QRELS)
    return place


def test_a_set_is_read_with_its_test_split(folder: Path) -> None:
    found = load(folder, language="python")
    (root,) = found.roots
    assert found.name == root.name == "ring"
    assert [(document.id, document.text, document.language) for document in root.documents] == [
        ("d1", "Ring\npush", "python"),
        ("d2", "pop", "go"),
    ]
    (question,) = found.questions
    assert (question.id, question.text, question.targets) == ("q1", "add an item", (Target("d1", gain=2.0),))
    assert found.unjudged == 1


def test_qrels_beside_the_corpus_come_first_and_need_no_header(folder: Path) -> None:
    (folder / "qrels.tsv").write_text("q2\td2\t1\n")
    assert [question.id for question in load(folder).questions] == ["q2"]


def test_the_digest_tells_data_sets_apart(folder: Path) -> None:
    before = load(folder).digest
    assert load(folder).digest == before
    (folder / "qrels" / "test.tsv").write_text(QRELS.replace("\t2", "\t1"))
    assert load(folder).digest != before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "corpus.jsonl",
            '{"_id": "d1", "text": "a"}\n{"_id": "d1", "text": "b"}\n',
            "line 2: there was a row 'd1' before",
        ),
        ("corpus.jsonl", '{"_id": "d1"}\n', "line 1: Object missing required field `text`"),
        ("corpus.jsonl", '{"_id": 7, "text": "a"}\n', "line 1: Expected `str`, got `int`"),
        ("corpus.jsonl", "", "is empty"),
        ("queries.jsonl", "{\n", "line 1: Input data was truncated"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', "line 1: the query 'q1' has no text"),
        ("qrels/test.tsv", "q1 d1 1\n", "line 1: expected query, document and score between tabs"),
        ("qrels/test.tsv", "q1\td1\tmuch\n", "line 1: expected query, document and score"),
        ("qrels/test.tsv", "q9\td1\t1\nq1\td9\t1\n", "judges 2 ids that the set does not have: q9, d9"),
        ("qrels/test.tsv", "q1\td1\t0\n", "judges nothing as relevant"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(DatasetError) as caught:
        load(folder)
    assert message in caught.value.message
    assert str(folder / name) in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("missing", ["queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(DatasetError, match=missing.rsplit("/", maxsplit=1)[-1].replace(".", r"\.")):
        load(folder)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"neither corpus\.jsonl nor repos\.json"):
        load(tmp_path)


def test_one_set_has_no_repositories_to_choose_from(folder: Path) -> None:
    with pytest.raises(DatasetError, match="without repositories"):
        load(folder, only=["gson"])


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "repos.json").write_text('[{"name": "one", "language": "python", "url": "x", "benchmark_root": "src"}]')
    return tmp_path


def test_an_unknown_repository_is_refused_with_those_there_are(repositories: Path) -> None:
    with pytest.raises(DatasetError, match=r"no repository 'two'\. It has: one"):
        load(repositories, only=["two"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"query": "where?", "relevant": []}]', "Question 1 of .* has no answer"),
        ('[{"query": "", "relevant": ["a.py"]}]', "Question 1 of .* has no text"),
        ('[{"query": "where?", "relevant": [7]}]', r"one\.json: Expected `str \| object`"),
        ("[", r"one\.json: Input data was truncated"),
    ],
)
def test_a_wrong_annotation_is_named(repositories: Path, content: str, message: str) -> None:
    (repositories / "annotations" / "one.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        load(repositories)


def test_a_missing_annotation_is_named(repositories: Path) -> None:
    with pytest.raises(DatasetError, match=r"one\.json: No such file"):
        load(repositories)


def test_questions_have_ids_and_folders_are_below_where_repositories_lie(repositories: Path) -> None:
    rows = '[{"query": "a", "category": "symbol", "relevant": ["a.py"]}, {"query": "b", "secondary": ["b.py"]}]'
    (repositories / "annotations" / "one.json").write_text(rows)
    found = load(repositories)
    assert [(question.id, question.category) for question in found.questions] == [("one/0", "symbol"), ("one/1", "")]
    assert found.roots[0].folder == "one/src"
