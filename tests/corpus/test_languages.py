from __future__ import annotations

import pytest
from semble_grammars import available_languages, get_language

from coderank.corpus.language_table import LANGUAGES
from coderank.corpus.languages import by_name, detect
from coderank.corpus.naming import READERS
from coderank.corpus.syntax_rules import Kind, Language

REQUIRED = (
    "python javascript typescript tsx go rust java kotlin scala c cpp csharp php ruby swift elixir haskell lua bash zig"
).split()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("src/a.py", "python"),
        ("a.JSX", "javascript"),
        ("a.d.ts", "typescript"),
        ("a.tsx", "tsx"),
        ("include/a.h", "cpp"),
        ("src/a.c", "c"),
        ("a/Rakefile", "ruby"),
        ("README.md", "markdown"),
        ("docs/index.rst", "restructuredtext"),
        ("package.json", "json"),
        ("LICENSE", "text"),
        ("a.unknown", "text"),
        ("noextension", "text"),
        (".py", "python"),
    ],
)
def test_name_decides(path: str, name: str) -> None:
    assert detect(path).name == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("#!/bin/sh", "bash"),
        ("#!/usr/bin/env python3", "python"),
        ("#!/usr/bin/python3.12 -u", "python"),
        ("#!/usr/bin/env -S node --no-warnings", "javascript"),
        ("#! /usr/bin/env bash\r", "bash"),
        ("#!/usr/local/bin/ruby -w", "ruby"),
        ("#!", "text"),
        ("#!/usr/bin/env", "text"),
        ("#!/opt/unheard-of", "text"),
        ("plain words", "text"),
    ],
)
def test_first_line_decides_where_the_name_does_not(line: str, name: str) -> None:
    assert detect("bin/tool", line).name == name


def test_name_beats_first_line() -> None:
    assert detect("a.py", "#!/bin/sh").name == "python"


@pytest.mark.parametrize("name", REQUIRED)
def test_required_languages_have_syntax(name: str) -> None:
    language = by_name(name)
    assert language is not None
    assert language.grammar
    assert language.definitions
    assert language.kind is Kind.CODE


def test_table_is_consistent() -> None:
    names = [language.name for language in LANGUAGES]
    extensions = [extension for language in LANGUAGES for extension in language.extensions]
    assert len(set(names)) == len(names)
    assert len(set(extensions)) == len(extensions)
    assert all(extension == extension.lower() and extension.startswith(".") for extension in extensions)


def test_every_grammar_and_reader_of_the_table_exists() -> None:
    assert {language.grammar for language in LANGUAGES if language.grammar} <= set(available_languages())
    used = {rule.name for language in LANGUAGES for rule in language.definitions.values() if rule.name.startswith("@")}
    assert used == set(READERS)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.grammar], ids=lambda each: each.name)
def test_node_types_of_the_table_are_the_grammars(language: Language) -> None:
    grammar = get_language(language.grammar)
    known = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    assert {*language.definitions, *language.leading} <= known
