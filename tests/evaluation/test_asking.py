"""Questions are asked as users do it, and judged on what came back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coderank.evaluation.asking import Asked, ask, searches_of_a_question
from coderank.evaluation.datasets import Document, Root
from coderank.evaluation.document_tree import path_of, write_tree
from coderank.evaluation.judging import Question, Target
from coderank.types import Hit, IndexInfo, SearchResult, Stage


def hit(path: str, start: int = 1, end: int = 9) -> Hit:
    return Hit(path, start, end, "python", "", 1.0, "")


class Searched:
    """Answers every question alike, and remembers what was asked."""

    def __init__(self, hits: Sequence[Hit], detail: str = "") -> None:
        self.hits = tuple(hits)
        self.detail = detail
        self.asked: list[tuple[str, int, bool]] = []

    def __call__(self, query: str, limit: int, *, rerank: bool) -> SearchResult:
        self.asked.append((query, limit, rerank))
        stages = (Stage("embed", 2.0), *([Stage("rerank", 9.0, self.detail)] if rerank else []))
        return SearchResult(query, self.hits[:limit], stages, IndexInfo("tiny", 9, 1.0))


def test_a_page_of_chunks_is_judged_and_a_deeper_list_asked_for_recall() -> None:
    search = Searched([*(hit(f"{n}.py") for n in range(20)), hit("deep.py")])
    root = Root("one", "python", (Question("one", "where?", "symbol", (Target("1.py"), Target("deep.py")), "one/0"),))
    asked = Asked()
    ask(root, search, {}, asked, rerank=True)
    assert search.asked == [("where?", 10, True), ("where?", 100, False)]
    assert searches_of_a_question({}) == 2
    (found,) = asked.answers
    assert len(found.found) == len(found.right) == 10
    assert found.found[:2] == ("0.py:1-9", "1.py:1-9")
    assert found.right[:3] == (False, True, False)
    assert (found.scores["mrr@10"], found.scores["recall@10"], found.scores["recall@100"]) == (0.5, 0.5, 1.0)
    assert (found.language, found.category) == ("python", "symbol")


def test_of_a_set_distinct_documents_are_judged_in_one_list() -> None:
    search = Searched([hit("x.py", 10, 12), hit("x.py", 1, 9), hit("y.py")])
    root = Root("set", "", (Question("set", "which?", "", (Target("d2", gain=2.0),), "q1"),))
    asked = Asked()
    ask(root, search, {"x.py": "d1", "y.py": "d2"}, asked, rerank=False)
    assert search.asked == [("which?", 100, False)]
    (found,) = asked.answers
    assert found.found == ("d1", "d2")
    assert found.right == (False, True)
    assert found.scores["mrr@10"] == 0.5


def test_what_reranking_said_is_counted_without_its_figures() -> None:
    search = Searched([hit("a.py")], detail="pairs on 34 candidates, partial: 34 of 50 fit into the time budget")
    root = Root("one", "", tuple(Question("one", str(n), "", (Target("a.py"),), str(n)) for n in range(3)))
    asked = Asked()
    ask(root, search, {}, asked, rerank=True)
    assert asked.outcomes == {"pairs, partial": 3}
    assert asked.medians() == {"embed": 2.0, "rerank": 9.0}


def test_documents_become_files_of_their_language_once(tmp_path: Path) -> None:
    documents = [Document("d1", "x = 1", "python"), Document("d2", "func f() {}", "go"), Document("d3", "words")]
    paths = write_tree(documents, tmp_path / "tree")
    assert [path.rpartition(".")[2] for path in paths] == ["py", "go", "txt"]
    assert [(tmp_path / "tree" / path).read_text() for path in paths] == [one.text for one in documents]
    assert not any(character.isalnum() for path in paths for character in path.rpartition(".")[0])
    (tmp_path / "tree" / paths[0]).write_text("changed by nobody else")
    assert write_tree(documents, tmp_path / "tree") == paths
    assert (tmp_path / "tree" / paths[0]).read_text() == "changed by nobody else"


def test_names_of_documents_are_distinct() -> None:
    document = Document("d", "")
    assert len({path_of(number, document) for number in range(5_000)}) == 5_000
