from __future__ import annotations

import pytest

from coderank.corpus.roles import is_aside, is_test


@pytest.mark.parametrize(
    "path",
    [
        *("examples/app.py", "a/Example/b.go", "docs/index.md", "src/bench/run.rs", "web/node_modules/x.js"),
        *("VENDOR/x.go", "third_party/x.c", "dist/x.js", "src/legacy/a.py", "compat", "playground/a.ts"),
        "ex\u017famples/../\u017fample/a.py",  # a long s: the same letter where case is ignored
    ],
)
def test_what_lies_beside_the_product(path: str) -> None:
    assert is_aside(path)


@pytest.mark.parametrize(
    "path", ["src/app.py", "src/documents.py", "src/vendors.go", "distance/a.py", "compatible/a.py"]
)
def test_what_belongs_to_the_product(path: str) -> None:
    assert not is_aside(path)


@pytest.mark.parametrize("path", ["tests/a.py", "a/test_b.py", "a/b_test.go", "src/FooTest.java", "spec/a_spec.rb"])
def test_tests_are_known_by_their_path(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize("path", ["src/latest.py", "src/contest/a.py", "src/inspector.go"])
def test_words_that_contain_test_are_none(path: str) -> None:
    assert not is_test(path)
