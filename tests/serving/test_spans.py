"""Every hit is compared with its file: as it is, moved, changed, not found again, gone."""

from __future__ import annotations

import pytest

from coderank.serving.spans import Span, Standing, checked
from coderank.types import Hit, Skip, SkipReason

FILE = "import os\n\n\ndef load(path):\n    return os.read(path)\n\n\ndef save(path):\n    pass\n"
HIT = Hit("a.py", 4, 5, "python", "load", 0.5, "def load(path):\n    return os.read(path)", root=".")


def shown(text: str) -> tuple[Standing, int, int, str]:
    span = checked(HIT, text)
    assert span is not None
    return span.standing, span.hit.start_line, span.hit.end_line, span.hit.content


def test_an_unchanged_file_gives_the_hit_as_it_is() -> None:
    assert checked(HIT, FILE) == Span(HIT)
    assert checked(HIT, "x" + FILE) == Span(HIT)  # another line of the file is none of the hit's business


@pytest.mark.parametrize(
    ("text", "line", "standing"),
    [
        ("a\nb\na\n", 3, Standing.CURRENT),
        ("xa\na\n", 2, Standing.CURRENT),
        ("ab\na", 2, Standing.CURRENT),
        ("xa\nax\na\n", 2, Standing.MOVED),
        ("a", 1, Standing.CURRENT),
    ],
)
def test_only_whole_lines_at_their_place_are_the_hit(text: str, line: int, standing: Standing) -> None:
    span = checked(Hit("a.py", line, line, "python", "", 0.5, "a"), text)
    assert span is not None
    assert span.standing is standing


@pytest.mark.parametrize("above", ["# new\n", "# new\n" * 40])
def test_code_that_moved_has_its_new_lines(above: str) -> None:
    lines = above.count("\n")
    assert shown(above + FILE) == (Standing.MOVED, 4 + lines, 5 + lines, HIT.content)
    assert shown(FILE.replace("\n\n\ndef load", "\ndef load")) == (Standing.MOVED, 2, 3, HIT.content)


def test_of_two_copies_the_nearer_is_taken() -> None:
    copies = HIT.content + "\n\n" + "\n" * 8 + HIT.content + "\n"
    assert shown(copies)[:2] == (Standing.MOVED, 1)


def test_code_that_changed_is_read_again_from_its_definition() -> None:
    changed = "# new\n" + FILE.replace("os.read(path)", "os.open(path)")
    assert shown(changed) == (Standing.CHANGED, 5, 6, "def load(path):\n    return os.open(path)")


def test_the_end_of_the_file_ends_what_is_read_again() -> None:
    assert shown("def load(path):") == (Standing.CHANGED, 1, 1, "def load(path):")


def test_what_is_not_found_again_has_no_text() -> None:
    assert shown("print('all new')\n") == (Standing.LOST, 4, 5, "")


def test_a_file_that_is_gone_or_not_to_be_read_gives_nothing() -> None:
    assert checked(HIT, Skip("a.py", SkipReason.UNREADABLE)) is None


def test_without_a_file_what_was_indexed_is_shown() -> None:
    assert checked(HIT, None) == Span(HIT)


def standing(symbol: str, content: str, text: str) -> tuple[Standing, int]:
    span = checked(Hit("a", 1, content.count("\n") + 1, "", symbol, 0.5, content), text)
    assert span is not None
    assert (span.hit.content == "") == (span.standing is Standing.LOST)
    return span.standing, span.hit.start_line


METHOD = "    def load(self):\n        return 1"
GONE = (Standing.LOST, 1)


@pytest.mark.parametrize(
    ("above", "found"),
    [
        ("class Config:\n", True),
        ("class Config(Base):\n", True),
        ("class Config(\n    Base,\n):\n    # how\n", True),
        ("class Other:\n    pass\n\nclass Config:\n    x = 1\n\n", True),
        ("class Other:\n", False),
        ("class Config:\n    pass\n\nclass Other:\n", False),
        ("class Other(Config):\n", False),
        ("class Other extends Config {\n", False),
        ("class Other : Config {\n", False),
        ("class Config\n{\npublic:\n", True),
        ("impl<T: Copy> Config<T> {\n", True),
        ("impl Trait for Config {\n", True),
        ("x = 1\n", False),
    ],
)
def test_a_method_is_found_again_in_its_own_type_only(above: str, found: bool) -> None:
    expected = (Standing.CHANGED, above.count("\n") + 1) if found else GONE
    assert standing("Config.load", METHOD, above + METHOD.replace("1", "2")) == expected


def test_of_methods_that_begin_alike_the_one_of_the_type_is_taken() -> None:
    both = f"class Other:\n{METHOD}\n\n\nclass Config:\n    x = 1\n\n{METHOD}\n".replace("return 1", "return 2")
    assert standing("Config.load", METHOD, both) == (Standing.CHANGED, 9)
    assert standing("app.Other.load", METHOD, both) == (Standing.CHANGED, 2)


def test_a_method_whose_line_names_its_type_needs_nothing_above() -> None:
    assert standing("Config.Load", "func (c *Config) Load() {\n\ta()", "\nfunc (c *Config) Load() {\n\tb()")[1] == 2


def test_a_function_is_not_found_again_as_a_method() -> None:
    assert standing("load", "def load(self):\n    return 1", f"class Other:\n{METHOD}2\n") == GONE


def test_sections_are_found_again_below_their_heading() -> None:
    section = "## How to install\n\nBy hand."
    for above, expected in (("# The guide", (Standing.CHANGED, 3)), ("# The manual", GONE)):
        assert standing("The guide > How to install", section, f"{above}\n\n## How to install\n\nBy x.") == expected
    moved = "# The guide\n\n# The manual\n\n## How to install\n\nBy x."
    assert standing("The guide > How to install", section, moved) == GONE


def test_below_a_namespace_nothing_need_be_indented() -> None:
    function = "void load() {\n  a();"
    for above, expected in (("namespace app {", (Standing.CHANGED, 3)), ("namespace lib {", GONE)):
        assert standing("app.load", function, f"{above}\n\nvoid load() {{\n  b();") == expected


def test_without_a_symbol_a_line_that_stands_for_many_is_no_mark() -> None:
    assert standing("", "name: a\nsize: 1", "# new\nname: a\nsize: 2\n") == (Standing.CHANGED, 2)
    assert standing("", "name: a\nsize: 1", "# new\nname: a\nsize: 2\nname: a\nsize: 3\n") == GONE
