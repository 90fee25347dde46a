from __future__ import annotations

from coderank.corpus.chunk import chunk
from coderank.corpus.merging import MAX_CHARS
from coderank.types import Chunk


def names(chunks: list[Chunk]) -> list[str]:
    return list(dict.fromkeys(name for each in chunks for name in each.defines))


def python_class(methods: int, statements: int) -> str:
    body = "        self.total = self.total + compute(self.total)\n" * statements
    members = "".join(f"    def method_{number}(self):\n{body}\n" for number in range(methods))
    documentation = f'    """Doc of the class.\n\n    {"Words. " * 20}\n    """'
    return f'"""Module."""\n\n\nclass Big(Base):\n{documentation}\n\n    limit = 3\n\n{members}'


def test_small_class_is_one_chunk() -> None:
    (only,) = chunk("a.py", python_class(2, 3))
    assert (only.symbol, only.signature) == ("Big", "class Big(Base):")
    assert only.defines == ("Big", "method_0", "method_1")


def test_big_class_is_cut_at_its_members() -> None:
    chunks = chunk("a.py", python_class(4, 15))
    assert [each.symbol for each in chunks] == ["Big", *(f"Big.method_{number}" for number in range(4))]
    assert chunks[0].defines == ("Big",)
    assert chunks[0].content.endswith("limit = 3\n")
    assert all(each.content.lstrip().startswith("def method_") for each in chunks[1:])


def test_long_function_continues_under_its_name() -> None:
    chunks = chunk("a.py", python_class(1, 100))
    parts = [each for each in chunks if each.symbol == "Big.method_0"]
    assert len(parts) >= 3
    assert [each.defines for each in parts] == [("method_0",), *[()] * (len(parts) - 1)]
    assert {each.signature for each in parts} == {"def method_0(self):"}
    sizes = [len(each.content) for each in parts]
    assert min(sizes) * 2 > max(sizes)


def test_small_functions_are_merged_and_large_ones_are_not() -> None:
    small = "".join(f"def tiny_{number}():\n    return {number}\n\n" for number in range(60))
    large = "".join(f"def large_{number}():\n" + "    work(1, 2, 3)\n" * 60 + "\n" for number in range(3))
    chunks = chunk("a.py", small + large)
    assert sum("large" in each.symbol for each in chunks) == 3
    assert 2 <= sum("tiny" in each.symbol for each in chunks) <= 5
    assert names(chunks) == [f"tiny_{number}" for number in range(60)] + [f"large_{number}" for number in range(3)]


def test_decorators_and_comments_stay_with_their_definition() -> None:
    filler = "    work(1, 2, 3)\n" * 60
    text = (
        f"def first():\n{filler}\n# About the second.\n\n# More of it.\n@decorate\n@again(1)\ndef second():\n{filler}"
    )
    first, second = chunk("a.py", text)
    assert first.defines == ("first",)
    assert second.content.startswith("# About the second.")
    assert second.signature == "def second():"


def test_documentation_too_long_for_its_definition_carries_its_name() -> None:
    documentation = "/**\n" + " * Words on the type and on what it is for.\n" * 80 + " */\n"
    text = "package a;\n" + documentation + "public class Session {\n" + "  int field = 1;\n" * 20 + "}\n"
    chunks = chunk("A.java", text)
    assert len(chunks) >= 3
    assert {each.symbol for each in chunks} == {"Session"}
    assert [each for each in chunks if each.defines] == [chunks[-1]]


def test_signature_is_folded_to_the_body() -> None:
    text = "def send(\n    self,\n    request: Request,\n) -> Response:\n    return 1\n"
    (only,) = chunk("a.py", text)
    assert only.signature == "def send( self, request: Request, ) -> Response:"


def test_broken_code_keeps_what_parses() -> None:
    text = "def good():\n    return 1\n\ndef bad(:\n    return (\n\nclass Fine:\n    def method(self):\n        pass\n"
    assert "good" in names(chunk("a.py", text))


def test_trailing_comments_do_not_glue_lines() -> None:
    text = "TABLE = [\n" + "    entry(1, 2, 3),  # a note on this entry\n" * 120 + "]\n"
    assert all(len(each.content) < 2 * MAX_CHARS for each in chunk("a.py", text))


def test_haskell_equations_stay_together() -> None:
    def function(name: str) -> str:
        return f"{name} :: Int -> Int\n" + "".join(f"{name} {number} = {number} + 1 + 2 + 3\n" for number in range(30))

    chunks = chunk("A.hs", "module A where\n\n" + "\n".join(function(name) for name in ("first", "second", "third")))
    assert [each.symbol for each in chunks if each.symbol] == ["first", "second", "third"]


def test_text_that_takes_too_long_to_parse_is_cut_by_lines() -> None:
    text = "+ * / - , ; :\n" * 6000
    chunks = chunk("a.go", text)
    assert "\n".join(each.content for each in chunks) + "\n" == text
