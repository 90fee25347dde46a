from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.corpus.roles import is_test
from coderank.embedding.lexical import tokens
from coderank.retrieval.priors import DEFAULT, OFF, rank
from coderank.retrieval.query import code_profile, profile
from coderank.types import Candidate, Chunk


def candidate(
    path: str, score: float, line: int = 1, *, defines: tuple[str, ...] = (), language: str = ""
) -> Candidate:
    language = language or {"py": "python", "go": "go", "md": "markdown"}.get(path.rpartition(".")[2], "python")
    chunk = Chunk(path, line, line + 9, language, "code", symbol=".".join(defines), defines=defines)
    return Candidate(f"{path}:{line}", chunk, score)


def order(query: str, *candidates: Candidate, limit: int = 10, priors: object = DEFAULT) -> list[str]:
    assert isinstance(priors, type(DEFAULT))
    return [hit.id for hit in rank(profile(query), candidates, limit, tokens, priors)]


def test_without_priors_the_fused_order_stays() -> None:
    hits = order("anything", candidate("b.py", 0.5), candidate("a.py", 0.7), candidate("c.py", 0.6), priors=OFF)
    assert hits == ["a.py:1", "c.py:1", "b.py:1"]


def test_ties_are_ordered_by_path_and_line() -> None:
    same = [candidate("b.py", 0.5), candidate("a.py", 0.5, 30), candidate("a.py", 0.5, 2)]
    assert order("anything", *same, priors=OFF) == ["a.py:2", "a.py:30", "b.py:1"]


def test_a_name_finds_its_definition_before_its_uses() -> None:
    uses = candidate("client.py", 0.9)
    definition = candidate("pool.py", 0.6, defines=("HTTPAdapter",))
    assert order("HTTPAdapter", uses, definition)[0] == "pool.py:1"
    assert order("HTTPAdapter", uses, definition, priors=replace(DEFAULT, definition=0))[0] == "client.py:1"


def test_a_qualified_name_prefers_the_right_owner() -> None:
    other = candidate("mail.py", 0.6, defines=("send",))
    owner = replace(candidate("net.py", 0.55), chunk=Chunk("net.py", 1, 9, "python", "", "Session.send", "", ("send",)))
    assert order("Session.send", other, owner)[0] == "net.py:1"


def test_a_mentioned_name_counts_less_than_a_name_alone() -> None:
    definition = candidate("pool.py", 0.5, defines=("HTTPAdapter",))
    other = candidate("client.py", 0.9)
    assert order("HTTPAdapter", other, definition)[0] == "pool.py:1"
    assert order("how does HTTPAdapter retry", other, definition)[0] == "client.py:1"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("bash completion generation", "bash_completions.go"),
        ("standard library implementations", "core/impls.rs"),
        ("how are cookies encoded", "encoding/cookie.go"),
        ("SqlMapper", "SqlMapper.cs"),
        ("how are values serialized", "ser/mod.rs"),
        ("how are values serialized", "src/serializers/__init__.py"),
        ("plugin loading", "lua/plugin/init.lua"),
    ],
)
def test_a_file_named_after_the_topic_comes_first(query: str, path: str) -> None:
    assert order(query, candidate("main.go", 0.7), candidate(path, 0.6))[0] == f"{path}:1"


def test_a_container_at_the_root_has_no_folder_to_be_named_after() -> None:
    assert order("the index of a book", candidate("main.js", 0.7), candidate("index.js", 0.6))[0] == "index.js:1"


def test_the_whole_file_name_counts_not_its_first_part() -> None:
    part, whole = candidate("SqlMapper.Async.cs", 0.6), candidate("SqlMapper.cs", 0.59)
    assert order("SqlMapper", part, whole)[0] == "SqlMapper.cs:1"


def test_tests_come_after_what_they_test_unless_asked_for() -> None:
    test, source = candidate("tests/test_pool.py", 0.7), candidate("src/pool.py", 0.6)
    assert order("connection reuse", test, source)[0] == "src/pool.py:1"
    assert order("tests of connection reuse", test, source)[0] == "tests/test_pool.py:1"


def test_documentation_comes_after_code_unless_asked_for() -> None:
    prose, code = candidate("guide.md", 0.7), candidate("pool.py", 0.6)
    assert order("connection reuse", prose, code)[0] == "pool.py:1"
    assert order("documentation of connection reuse", prose, code)[0] == "guide.md:1"


def test_one_file_does_not_fill_the_list() -> None:
    many = [candidate("big.py", 0.9 - line / 1000, line) for line in range(1, 200, 10)]
    others = [candidate(f"other{number}.py", 0.5) for number in range(5)]
    hits = order("anything", *many, *others)
    assert hits[0] == "big.py:1"
    assert sum(hit.startswith("other") for hit in hits) == 5


def test_several_good_chunks_speak_for_their_file() -> None:
    alone = candidate("alone.py", 0.70)
    together = [candidate("together.py", 0.68, line) for line in (1, 11, 21)]
    assert order("anything", alone, *together)[0] == "together.py:1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/conftest.py", True),
        ("src/app.test.ts", True),
        ("pkg/server_test.go", True),
        ("src/test/java/FooTest.java", True),
        ("spec/models/user_spec.rb", True),
        ("src/contest.py", False),
        ("src/latest.go", False),
        ("src/testimony/court.py", False),
    ],
)
def test_tests_are_known_by_their_path(path: str, expected: bool) -> None:
    assert is_test(path) is expected


def test_a_factor_lowers_a_negative_score_too() -> None:
    test, source = candidate("tests/test_b.py", -0.06), candidate("src/a.py", -0.05)
    assert order("anything", test, source) == ["src/a.py:1", "tests/test_b.py:1"]
    definition = candidate("pool.py", -0.06, defines=("HTTPAdapter",))
    assert order("HTTPAdapter", source, definition)[0] == "pool.py:1"


SCORES = st.floats(-0.2, 1.5, allow_nan=False)
PATHS = st.sampled_from(["a.py", "src/b.go", "tests/test_a.py", "docs/guide.md", "examples/run.py", "a/b/c.rs"])
CANDIDATES = st.lists(
    st.tuples(PATHS, SCORES, st.integers(1, 500)), max_size=40, unique_by=lambda item: (item[0], item[2])
)


@given(CANDIDATES, st.sampled_from(["Session", "how is a test run", "guide", "x"]), st.integers(1, 20))
def test_ranking_is_a_total_order_of_what_came_in(raw: list[tuple[str, float, int]], query: str, limit: int) -> None:
    pool = [candidate(path, score, line) for path, score, line in raw]
    hits = rank(profile(query), pool, limit, tokens)
    assert len(hits) == min(limit, len(pool))
    assert {hit.id for hit in hits} <= {item.id for item in pool}
    keys = [(-hit.score, hit.chunk.path, hit.chunk.start_line) for hit in hits]
    assert keys == sorted(keys)
    assert rank(profile(query), pool[::-1], limit, tokens) == hits


def test_code_as_a_query_asks_for_no_name() -> None:
    pool = [candidate("a.py", 0.4, defines=("x",)), candidate("b.py", 0.5)]
    assert [hit.id for hit in rank(code_profile(), pool, 10, tokens)] == ["b.py:1", "a.py:1"]
