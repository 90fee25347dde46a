from __future__ import annotations

import pytest

from coderank.corpus.chunk import chunk
from coderank.corpus.prose import MAX_PROSE_CHARS, markdown_headings, rst_headings

WORDS = "Words that fill a paragraph, so that it is long enough to stand alone. " * 8


def outline(path: str, text: str) -> list[tuple[str, str]]:
    return [(each.symbol, each.signature) for each in chunk(path, text)]


def test_sections_stand_under_their_headings() -> None:
    text = f"# Guide\n\n{WORDS}\n\n## Install\n\n{WORDS}\n\n### Linux ###\n\n{WORDS}\n\n## Use\n\n{WORDS}\n"
    assert outline("a.md", text) == [
        ("Guide", "Guide"),
        ("Guide > Install", "Install"),
        ("Guide > Install > Linux", "Linux"),
        ("Guide > Use", "Use"),
    ]


def test_prose_defines_nothing() -> None:
    assert {each.defines for each in chunk("a.md", f"# A\n\n{WORDS}")} == {()}
    assert {each.language for each in chunk("a.md", f"# A\n\n{WORDS}")} == {"markdown"}


def test_fenced_code_has_no_headings() -> None:
    text = f"# Run\n\n{WORDS}\n\n```sh\n# not a heading\nmake\n```\n\n~~~~\n# nor this\n```\n~~~\n~~~~\n\n{WORDS}\n"
    assert {symbol for symbol, _ in outline("a.md", text)} == {"Run"}


def test_unclosed_fence_runs_to_the_end() -> None:
    assert [heading.title for heading in markdown_headings(["# A", "```", "# b", "## c"])] == ["A"]


@pytest.mark.parametrize("mark", ["---", "+++"])
def test_front_matter_is_not_a_heading(mark: str) -> None:
    headings = markdown_headings([mark, "# comment", "title: x", mark, "# Real"])
    assert [heading.title for heading in headings] == ["Real"]


def test_setext_headings() -> None:
    headings = markdown_headings(
        ["Title", "=====", "", "Part", "----", "", "text", "of two lines", "---", "- item", "---"]
    )
    assert [(heading.title, heading.level) for heading in headings] == [("Title", 1), ("Part", 2)]


@pytest.mark.parametrize("line", ["#hashtag", "####### seven", "    # code", "a # b"])
def test_not_a_heading(line: str) -> None:
    assert markdown_headings([line]) == []


def test_short_sections_of_one_parent_are_joined() -> None:
    text = (
        "# Options\n\n"
        + "".join(f"## --flag-{number}\n\nTurns it on.\n\n" for number in range(6))
        + f"# Next\n\n{WORDS}"
    )
    found = outline("a.md", text)
    assert len(found) == 2
    assert found[1][0] == "Next"


def test_long_section_is_cut_at_paragraphs() -> None:
    text = "# Long\n\n" + f"{WORDS}\n\n" * 6
    chunks = chunk("a.md", text)
    assert len(chunks) >= 2
    assert {each.symbol for each in chunks} == {"Long"}
    assert all(each.content.startswith(("# Long", "Words")) for each in chunks)
    assert all(len(each.content) <= MAX_PROSE_CHARS + 10 for each in chunks)


def test_rst_levels_follow_first_appearance() -> None:
    headings = ("=====\nGuide\n=====", "Install\n-------", "Linux\n~~~~~", "Use\n---")
    text = "".join(f"{heading}\n\n{WORDS}\n\n" for heading in headings)
    assert outline("a.rst", text) == [
        ("Guide", "Guide"),
        ("Guide > Install", "Install"),
        ("Guide > Install > Linux", "Linux"),
        ("Guide > Use", "Use"),
    ]


def test_rst_tables_and_short_underlines_are_not_headings() -> None:
    lines = ["A long title", "---", "", "=====  =====", "a      b", "=====  =====", "", "text", "Inside", "------"]
    assert rst_headings(lines) == []


def test_plain_text_is_cut_at_paragraphs() -> None:
    chunks = chunk("notes.txt", f"{WORDS}\n\n" * 6)
    assert len(chunks) >= 2
    assert {(each.symbol, each.signature) for each in chunks} == {("", "")}
