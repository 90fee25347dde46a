"""Runs survive their file, and only what is one is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.evaluation.run_samples import answer, run

from coderank.errors import DatasetError
from coderank.evaluation import runs

HOSTILE = 'who said "</script>"\n\u2028?'


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    before = run(answer(1, 0.5), answer(2, 1.0, root="two", text=HOSTILE), note="a note")
    file = tmp_path / "new" / "run.json"
    runs.write(file, before)
    assert runs.read(file) == before


def test_the_file_is_json_with_means_and_an_answer_a_line(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    runs.write(file, run(answer(1, 0.5), answer(2, 1.0), answer(3, 0.0, root="two")))
    written = file.read_text("utf-8")
    assert json.loads(written)["means"]["ndcg@10"] == 0.375
    assert sum(line.startswith('{"id":') for line in written.splitlines()) == 3


def test_means_are_those_of_roots() -> None:
    assert run(answer(1, 1.0), answer(2, 0.0), answer(3, 1.0, root="two")).mean("ndcg@10") == 0.75
    assert run(answer(1, 1.0), answer(2, 0.0), answer(3, 1.0, root="two")).weights() == [0.5, 0.5, 1.0]


def test_groups_leave_out_what_has_no_name() -> None:
    one = run(answer(1, 1.0, category="symbol"), answer(2, 0.0), answer(3, 0.5, category="symbol"))
    assert one.grouped(lambda found: found.category, "ndcg@10") == {"symbol": 0.75}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', "nonsense"])
def test_something_else_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(content)
    with pytest.raises(DatasetError, match="is not the result of a run") as caught:
        runs.read(file)
    assert "coderank eval" in caught.value.remedy


def test_a_missing_file_and_another_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Cannot read"):
        runs.read(tmp_path / "none.json")
    file = tmp_path / "run.json"
    runs.write(file, run(answer(1, 0.5)))
    file.write_text(file.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(DatasetError, match="format 9, expected 1"):
        runs.read(file)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="Cannot write"):
        runs.write(tmp_path / "file" / "run.json", run(answer(1, 0.5)))


def test_runs_over_other_questions_are_not_compared() -> None:
    one = run(answer(1, 0.5))
    runs.same_questions(one, run(answer(1, 0.7)))
    for other in (run(answer(1, 0.5), digest="x"), run(answer(2, 0.5))):
        with pytest.raises(DatasetError, match="did not answer the same questions"):
            runs.same_questions(one, other)
    with pytest.raises(DatasetError, match="not over sample as it is"):
        runs.same_data(one, "x", "sample")
