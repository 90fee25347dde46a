from __future__ import annotations

import pytest

from coderank.errors import InvalidQueryError
from coderank.retrieval.limits import MAX_LIMIT, MAX_QUERY_CHARS, checked_globs, checked_limit, checked_query
from coderank.retrieval.scope import filters

INDEXED = ["src/app.py", "src/web/view.ts", "docs/guide.md"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("python", "python"), ("TS", "typescript"), (".rs", "rust"), ("text", "text"), ("txt", "text")],
)
def test_a_language_goes_by_its_name_or_extension(given: str, expected: str) -> None:
    found = filters([given], [], INDEXED)
    assert found is not None
    assert found.languages == (expected,)


def test_an_unknown_language_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidQueryError, match=r"no language 'pythn'.*python"):
        filters(["pythn"], [], INDEXED)
    with pytest.raises(InvalidQueryError, match="no language 'zzz'"):
        filters(["zzz"], [], INDEXED)


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["*.py"], ("src/app.py",)),
        (["src/"], ("src/app.py", "src/web/view.ts")),
        (["src/**/*.ts", "docs"], ("src/web/view.ts", "docs/guide.md")),
        (["*", "!*.md"], ("src/app.py", "src/web/view.ts")),
    ],
)
def test_globs_are_those_of_a_gitignore(globs: list[str], expected: tuple[str, ...]) -> None:
    found = filters([], globs, INDEXED)
    assert found is not None
    assert found.paths == expected


def test_the_path_of_a_file_means_that_file_whatever_signs_it_has() -> None:
    for glob in ("app/[id]/page.tsx", "/app/[id]/page.tsx"):
        found = filters([], [glob], ["app/[id]/page.tsx", "app/i/page.txt"])
        assert found is not None
        assert found.paths == ("app/[id]/page.tsx",)


def test_globs_that_match_nothing_leave_nothing_to_search() -> None:
    assert filters([], ["*.java"], INDEXED) is None


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(InvalidQueryError, match=str(limit)):
        checked_limit(limit)


@pytest.mark.parametrize("query", ["", " \n", "x" * (MAX_QUERY_CHARS + 1)])
def test_an_empty_or_endless_query_is_refused(query: str) -> None:
    with pytest.raises(InvalidQueryError):
        checked_query(query)
    assert checked_query("x" * MAX_QUERY_CHARS)


def test_a_glob_that_is_none_is_named() -> None:
    with pytest.raises(InvalidQueryError, match="glob"):
        filters([], ["!"], INDEXED)


def test_globs_as_people_write_them_are_taken() -> None:
    checked_globs(["src/**/*.py", "*.{ts,tsx}", "**/test_*/**/*_spec.??", "!docs/", "a" * 500])


@pytest.mark.parametrize("glob", ["a" * 501, "a*" * 7, "*" * 400 + "a*" * 7])
def test_globs_that_would_keep_a_server_busy_are_refused_at_once(glob: str) -> None:
    with pytest.raises(InvalidQueryError, match="glob"):
        checked_globs([glob])
