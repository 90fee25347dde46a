"""What messages advise can be done with this version."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from coderank.cli.main import cli

SOURCE = Path(__file__).parents[1] / "src" / "coderank"
COMMAND = re.compile(r"\bcoderank ([a-z-]+)(?: ([a-z]+))?((?: --?[a-z][a-z-]*)*)")
FUNCTION = re.compile(r"\bcoderank((?:\.[a-z_]+)+)\.([a-z_]+)\(")
PAGES = sorted([*SOURCE.parents[1].glob("*.md"), *(SOURCE.parents[1] / "docs").glob("*.md")])
CONTEXT = click.Context(cli, **cli.context_settings)


def messages(source: str) -> Iterator[str]:
    """Every string of a module but its docstrings."""
    tree = ast.parse(source)
    remarks = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in remarks:
            yield node.value


def options(command: click.Command) -> set[str]:
    return {name for option in command.get_params(CONTEXT) for name in (*option.opts, *option.secondary_opts)}


def unknown(text: str) -> list[str]:
    """What of the commands named in a text does not exist."""
    wrong = []
    for name, word, flags in COMMAND.findall(text):
        full, command = named(name, word)
        if command is None:
            wrong.append(full)
            continue
        used = {*flags.split(), *([name] if name.startswith("-") else [])}
        wrong += sorted(f"{full} {flag}" for flag in used - options(command))
    return wrong


def named(name: str, word: str) -> tuple[str, click.Command | None]:
    """The command of these words, and how it is written; the second word belongs to it only after a group."""
    command = cli if name.startswith("-") else cli.get_command(CONTEXT, name)
    if word and isinstance(command, click.Group) and command is not cli:
        return f"coderank {name} {word}", command.get_command(CONTEXT, word)
    return f"coderank {name}", command


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: file.relative_to(SOURCE).as_posix())
def test_every_command_a_message_names_exists(file: Path) -> None:
    assert [wrong for text in messages(file.read_text("utf-8")) for wrong in unknown(text)] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Run: coderank index --rebuild PATH", []),
        ("`coderank status --skips .` tells why; tiny-coderank", []),
        ("coderank --version", []),
        ("Run: coderank models pull x", []),
        ("Run: coderank models push x", ["coderank models push"]),
        ("Run: coderank models list --skips", ["coderank models list --skips"]),
        ("Run: coderank mitigate x", ["coderank mitigate"]),
        ("Run: coderank index --skips", ["coderank index --skips"]),
    ],
)
def test_a_wrong_command_would_be_noticed(text: str, wrong: list[str]) -> None:
    assert unknown(text) == wrong


def test_docstrings_are_no_messages() -> None:
    assert list(messages('"""Of coderank here."""\nx = "coderank index"\n"""coderank there."""\n')) == [
        "coderank index"
    ]


@pytest.mark.parametrize("file", [*sorted(SOURCE.rglob("*.py")), *PAGES], ids=lambda file: file.name)
def test_every_function_that_is_named_exists(file: Path) -> None:
    """Read, not imported: some need torch."""
    for module, name in FUNCTION.findall(file.read_text("utf-8")):
        source = SOURCE.joinpath(*module.strip(".").split(".")).with_suffix(".py")
        assert re.search(rf"^(def|class) {name}\b", source.read_text("utf-8"), re.MULTILINE), f"{module}.{name}"
