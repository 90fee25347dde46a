"""Localisation scores: by hand, and as a script of the data set's own kind prints them."""

from __future__ import annotations

import json
from math import log2
from typing import TYPE_CHECKING

import pytest
from benchmarks.questions import judged_by_score_py, load, mean_over_repositories, weights

from coderank.evaluation.judging import Question, Target, chunk_score, distinct_files, file_score, scores

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.evaluation.judging import Place

ECHO = """
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
for row in rows:
    print(f"{row['repo']:16s} chunks {len(row['results']):.4f}  files {row['results'][0][1]:.4f}")
"""


def place(path: str, start: int = 1, end: int = 10) -> Place:
    return (path, start, end)


@pytest.mark.parametrize(
    ("target", "found", "expected"),
    [
        (Target("a/b.py"), place("a/b.py"), True),
        (Target("b.py"), place("a/b.py"), True),
        (Target("src/a/b.py"), place("a/b.py"), True),
        (Target("b.py"), place("ab.py"), False),
        (Target("a/b.py"), place("a/c.py"), False),
        (Target("b.py", (10, 12)), place("b.py", 1, 10), True),
        (Target("b.py", (11, 12)), place("b.py", 1, 10), False),
        (Target("b.py", (1, 3)), place("b.py", 4, 10), False),
    ],
)
def test_a_target_matches_by_path_suffix_and_span(target: Target, found: Place, *, expected: bool) -> None:
    assert target.matches(found) is expected


def test_a_target_counts_once_and_a_rank_gains_once() -> None:
    ranked = [place("x.py"), place("a.py"), place("a.py", 20, 30)]
    assert chunk_score([Target("a.py")], ranked) == pytest.approx(1 / log2(3))
    # Both targets match the same result first, so that only one rank gains.
    both = [Target("a.py"), Target("a.py", (1, 5))]
    assert chunk_score(both, ranked) == pytest.approx((1 / log2(3)) / (1 + 1 / log2(3)))


def test_results_beyond_ten_do_not_count() -> None:
    ranked = [place(f"{number}.py") for number in range(10)] + [place("a.py")]
    assert chunk_score([Target("a.py")], ranked) == 0.0


def test_the_files_column_drops_repeated_files_and_spans() -> None:
    ranked = [place("x.py"), place("x.py", 20, 30), place("a.py", 1, 2)]
    assert chunk_score([Target("a.py", (1, 2))], ranked) == pytest.approx(0.5)
    assert file_score([Target("a.py", (50, 60))], ranked) == pytest.approx(1 / log2(3))


def test_measures_of_a_page_and_of_a_deeper_list() -> None:
    deep = [place(f"{number}.py") for number in range(100)]
    targets = [Target("2.py"), Target("7.py"), Target("50.py"), Target("no.py")]
    found = scores(targets, deep[:10], deep)
    assert found["mrr@10"] == pytest.approx(1 / 3)
    assert found["recall@1"] == 0.0
    assert found["recall@5"] == pytest.approx(0.25)
    assert found["recall@10"] == pytest.approx(0.5)
    assert found["recall@100"] == pytest.approx(0.75)
    ideal = sum(1 / log2(rank + 2) for rank in range(4))
    assert found["ndcg@10"] == pytest.approx((1 / log2(4) + 1 / log2(9)) / ideal)


def test_nothing_found_scores_zero() -> None:
    assert set(scores([Target("a.py")], [], []).values()) == {0.0}


def test_graded_gains_count_by_their_size() -> None:
    targets = [Target("a.py", gain=2.0), Target("b.py", gain=1.0)]
    worse = chunk_score(targets, [place("b.py"), place("a.py")])
    assert chunk_score(targets, [place("a.py"), place("b.py")]) == pytest.approx(1.0)
    assert worse == pytest.approx((1 + 2 / log2(3)) / (2 + 1 / log2(3)))


def test_the_best_place_of_each_file_is_kept() -> None:
    assert distinct_files([place("a.py", 5, 9), place("b.py"), place("a.py")]) == [place("a.py", 5, 9), place("b.py")]


def question(repository: str, text: str) -> Question:
    return Question(repository, text, "semantic", ())


def test_repositories_weigh_the_same_whatever_their_questions() -> None:
    questions = [question("one", "a"), question("one", "b"), question("two", "c")]
    assert mean_over_repositories(questions, [1.0, 0.0, 1.0]) == pytest.approx(0.75)
    assert weights(questions) == [0.5, 0.5, 1.0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "annotations").mkdir()
    specs: list[dict[str, str | None]] = [
        {"name": "one", "language": "python", "benchmark_root": "src/one"},
        {"name": "two", "language": "go"},
        {"name": "three", "language": "go", "benchmark_root": None},
    ]
    (tmp_path / "repos.json").write_text(json.dumps(specs))
    item = {
        "query": "where?",
        "category": "symbol",
        "relevant": ["a.py"],
        "secondary": [{"path": "b.py", "start_line": 3, "end_line": 9}],
    }
    for spec in specs:
        (tmp_path / "annotations" / f"{spec['name']}.json").write_text(json.dumps([item]))
    return tmp_path


def test_the_data_set_is_read_with_pooled_targets(data: Path) -> None:
    repositories = load(data)
    assert [(r.name, r.folder) for r in repositories] == [("one", "one/src/one"), ("two", "two/"), ("three", "three/")]
    (asked,) = repositories[0].questions
    assert asked.targets == (Target("a.py"), Target("b.py", (3, 9)))


def test_some_repositories_alone(data: Path) -> None:
    assert [repository.name for repository in load(data, ["two"])] == ["two"]


def test_the_own_script_of_the_data_set_is_asked(data: Path) -> None:
    (data / "score.py").write_text(ECHO)
    predictions = {question("one", "a"): [place("x.py", 7, 8)], question("two", "b"): [place("x.py", 1, 2)] * 3}
    assert judged_by_score_py(data, predictions) == {"one": (1.0, 7.0), "two": (3.0, 1.0)}
