"""Hits as JSON and as text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderank.render import (
    EXCERPT_LINES,
    coverage_note,
    excerpt,
    footer,
    header,
    numbered,
    percent,
    query_terms,
    telling_lines,
    to_json,
    to_text,
    visible,
)
from coderank.types import Hit, IndexInfo, SearchResult, Stage, Tier

LONG = "\n".join(
    [
        "def acquire(self, timeout):",
        '    """Take the lease."""',
        *(f"    step_{n} = {n}" for n in range(20)),
        "    if self.expired():",
        "        raise LeaseExpired(timeout)",
        "    return self",
    ]
)


def hit(content: str = "x = 1", *, start: int = 1, root: str = ".", path: str = "src/a.py", symbol: str = "") -> Hit:
    end = start + content.count("\n")
    return Hit(path, start, end, "python", symbol, 0.81234, content, root)


def result(*hits: Hit, query: str = "lease expired", coverage: float = 1.0) -> SearchResult:
    stages = (Stage("embed", 3.21987), Stage("retrieve", 1.0, "dense + lexical"))
    return SearchResult(query, hits, stages, IndexInfo("all-minilm-l6-v2", 2311, coverage, Tier.DENSE))


def shown_lines(content: str, query: str, symbol: str = "") -> list[str]:
    return [text for _, text in numbered(excerpt(hit(content, symbol=symbol), query_terms(query)))]


class TestJson:
    def test_has_exactly_the_documented_shape(self) -> None:
        document = json.loads(to_json(result(hit("a\nb", start=4, symbol="f"), coverage=0.25)))
        assert document == {
            "query": "lease expired",
            "results": [
                {
                    "path": "src/a.py",
                    "start_line": 4,
                    "end_line": 5,
                    "language": "python",
                    "symbol": "f",
                    "score": 0.81234,
                    "content": "a\nb",
                }
            ],
            "stages": [
                {"name": "embed", "ms": 3.22, "detail": ""},
                {"name": "retrieve", "ms": 1.0, "detail": "dense + lexical"},
            ],
            "index": {"model": "all-minilm-l6-v2", "chunks": 2311, "dense_coverage": 0.25, "tier": "dense"},
        }

    def test_names_the_root_of_each_hit_on_request(self) -> None:
        document = json.loads(to_json(result(hit(root="../b")), with_root=True))
        assert document["results"][0]["root"] == "../b"

    def test_is_one_line_and_keeps_content_unescaped(self) -> None:
        text = to_json(result(hit("naïve\n\x1b[31m")))
        assert "\n" not in text
        assert "naïve" in text
        assert json.loads(text)["results"][0]["content"] == "naïve\n\x1b[31m"


class TestExcerpt:
    def test_a_short_hit_is_shown_whole(self) -> None:
        assert shown_lines("a = 1\nb = 2\n", "anything") == ["a = 1", "b = 2"]

    def test_a_long_hit_shows_its_definition_and_the_lines_asked_for(self) -> None:
        lines = shown_lines(LONG, "lease expired", symbol="Lease.acquire")
        assert lines[0] == "def acquire(self, timeout):"
        assert lines[1] == ""
        assert "        raise LeaseExpired(timeout)" in lines
        assert len(lines) <= EXCERPT_LINES + 1

    def test_without_a_match_it_shows_the_beginning(self) -> None:
        assert shown_lines(LONG, "zebra") == LONG.split("\n")[:EXCERPT_LINES]

    def test_the_definition_line_may_come_after_decorators(self) -> None:
        content = "@cache\n@route('/x')\n" + LONG
        assert shown_lines(content, "expired", symbol="Lease.acquire")[0] == "def acquire(self, timeout):"

    def test_a_docstring_above_the_definition_is_shown_where_little_follows_it(self) -> None:
        imports = [f"import module_{n}" for n in range(12)]
        content = "\n".join(['"""Leases expire', "after a while.", '"""', *imports, "", "LIMIT = 5"])
        lines = shown_lines(content, "when do leases expire", symbol="LIMIT")
        assert lines[0] == '"""Leases expire'
        assert lines[-2:] == ["", "LIMIT = 5"]

    def test_a_definition_inside_the_stretch_is_shown_once(self) -> None:
        content = "\n".join([*(f"# note {n}" for n in range(9)), "# the lease", "LIMIT = 5", "# expired", "x = 1"])
        lines = shown_lines(content, "lease expired", symbol="LIMIT")
        assert lines.count("LIMIT = 5") == 1
        assert {"# the lease", "# expired"} <= set(lines)

    @given(above=st.integers(0, 12), below=st.integers(0, 12), limit=st.integers(2, 9))
    def test_the_definition_is_always_among_the_lines(self, above: int, below: int, limit: int) -> None:
        content = "\n".join([*["# lease"] * above, "LIMIT = 5", *["# other"] * below])
        shown = excerpt(hit(content, symbol="LIMIT"), query_terms("lease"), limit=limit)
        assert "LIMIT = 5" in [line.text for line in shown.lines]
        assert len(shown.lines) <= limit

    @given(above=st.integers(0, 3), below=st.integers(0, 3))
    def test_one_line_alone_is_the_definition(self, above: int, below: int) -> None:
        content = "\n".join([*["# lease"] * above, "LIMIT = 5", *["# lease"] * below])
        assert telling_lines(hit(content, start=7, symbol="LIMIT"), ("lease",), 1) == [(7 + above, "LIMIT = 5")]

    @given(content=st.text("abl \t\n\r\x1b", max_size=80), limit=st.integers(1, 9))
    def test_lines_with_their_numbers_are_those_of_the_excerpt(self, content: str, limit: int) -> None:
        lines = telling_lines(hit(content, start=3), ("ab", "l"), limit)
        shown = excerpt(hit(content, start=3), ("ab", "l"), limit=limit)
        assert lines == [(line.number, line.text) for line in shown.lines]
        assert not any(sign in text for _, text in lines for sign in "\r\x1b")

    @given(line=st.text("ab_ é-.", max_size=12), name=st.sampled_from(["a", "ab", "a-a", "é", "_b"]))
    def test_a_definition_line_has_the_name_as_a_word(self, line: str, name: str) -> None:
        content = "\n".join(["# first", line, *["# other"] * 20])
        shown = excerpt(hit(content, symbol=name), ("other",), limit=2)
        named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line) is not None
        assert (2 in [one.number for one in shown.lines]) == named

    def test_leading_and_trailing_blank_lines_are_left_out(self) -> None:
        shown = excerpt(hit("\n\nx = 1\n\n", start=10), ())
        assert [(line.number, line.text) for line in shown.lines] == [(12, "x = 1")]

    def test_marks_the_lines_with_a_word_of_the_query(self) -> None:
        shown = excerpt(hit("def f():\n    return parse(x)"), query_terms("parsing"))
        assert [line.matches for line in shown.lines] == [False, True]

    def test_windows_line_ends_do_not_show(self) -> None:
        assert shown_lines("a\r\nb\r\n", "x") == ["a", "b"]

    @given(content=st.text(), query=st.text(), start=st.integers(1, 10_000))
    def test_any_content_gives_few_ascending_lines_of_the_hit(self, content: str, query: str, start: int) -> None:
        shown = excerpt(hit(content, start=start), query_terms(query))
        numbers = [line.number for line in shown.lines]
        assert len(numbers) <= EXCERPT_LINES
        assert numbers == sorted(set(numbers))
        assert all(start <= number <= start + content.count("\n") for number in numbers)
        assert all(shown.source[line.number - shown.first_line] == line.text for line in shown.lines)


class TestText:
    def test_header_then_numbered_code_then_a_blank_line(self) -> None:
        text = to_text(result(hit("def f():\n\treturn 1", start=9, symbol="A.f"), hit(path="b.py")))
        assert text == ("src/a.py:9-10  A.f  0.812\n   9  def f():\n  10  \treturn 1\n\nb.py:1  0.812\n  1  x = 1\n")

    def test_no_hits_are_no_text(self) -> None:
        assert to_text(result()) == ""

    @pytest.mark.parametrize(
        ("root", "shown"), [("", "a.py"), (".", "a.py"), ("src", "src/a.py"), ("../b/", "../b/a.py"), ("/", "/a.py")]
    )
    def test_the_path_can_be_opened_from_here(self, root: str, shown: str) -> None:
        assert header(excerpt(hit(root=root, path="a.py"), ())).startswith(f"{shown}:1")

    def test_control_characters_of_names_and_code_are_escaped(self) -> None:
        text = to_text(result(hit("a\x1b[31mb\rc\x07", path="a\nb\x1b.py", symbol="x\u202ey")))
        assert text == "a\\nb\\x1b.py:1  x\\u202ey  0.812\n  1  a\\x1b[31mb\\rc\\x07\n"

    def test_a_very_long_line_is_cut(self) -> None:
        line = to_text(result(hit("x" * 5_000_000))).split("\n")[1]
        assert line.endswith("x...")
        assert len(line) == 400

    @given(st.text())
    def test_escaped_text_is_one_line_without_control_characters(self, text: str) -> None:
        assert len(visible(text).splitlines()) <= 1
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", visible(text))


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Where are the locks?", ("lock",)),
        ("parseHTTPResponse", ("pars", "http", "respo")),
        ("how does it use a db", ()),
        ("snake_case_name", ("snak", "case", "name")),
        ("lock LOCK", ("lock",)),
        ("Schlüssel 密钥", ("schlüs", "密钥")),
    ],
)
def test_query_terms(query: str, terms: tuple[str, ...]) -> None:
    assert query_terms(query) == terms


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "0 %"), (0.0001, "1 %"), (0.5, "50 %"), (0.9999, "99 %"), (1.0, "100 %")]
)
def test_percent_never_rounds_to_nothing_or_all(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_coverage_note_speaks_only_of_what_is_missing() -> None:
    assert coverage_note(IndexInfo("m", 2311, 1.0), "later") == ""
    assert coverage_note(IndexInfo("m", 0, 0.0), "later") == ""
    assert coverage_note(IndexInfo("m", 2311, 0.0), "they fill in") == (
        "lexical results only: 0 % of 2,311 chunks have vectors yet; they fill in"
    )
    assert coverage_note(IndexInfo("m", 2311, 0.4), "").startswith("partial results: 40 % of 2,311")
    assert coverage_note(IndexInfo("m", 2311, 0.0), "", "dense").startswith("no results by meaning: 0 % of 2,311")
    assert coverage_note(IndexInfo("m", 2311, 0.4), "", "lexical") == ""
    assert coverage_note(IndexInfo("m", 2311, 0.0, Tier.STATIC), "they fill in") == (
        "results by static vectors: 0 % of 2,311 chunks have those of m yet; they fill in"
    )
    assert coverage_note(IndexInfo("m", 2311, 0.99, Tier.BOTH), "").startswith(
        "results by static vectors in part: 99 %"
    )


def test_footer_accounts_for_the_time() -> None:
    assert footer(result(hit())) == "1 hit in 4 ms (embed 3.2, retrieve 1.0); 2,311 chunks, all-minilm-l6-v2"
    assert footer(result(hit(), hit())).startswith("2 hits")
