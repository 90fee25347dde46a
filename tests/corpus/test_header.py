from __future__ import annotations

from dataclasses import replace

import pytest

from coderank.corpus.header import CHUNKER_VERSION, HEADER_VERSION, dense_text, lexical_text
from coderank.types import Chunk

WHOLE = Chunk("src/a.py", 1, 2, "python", "def send(\n    self,\n):\n    pass", "Session.send", "def send( self, ):")
TAIL = replace(WHOLE, content="    return 1")


@pytest.mark.parametrize("text", [dense_text, lexical_text])
def test_header_holds_path_and_symbol_above_the_content(text: object) -> None:
    assert callable(text)
    assert text(WHOLE) == f"src/a.py\nSession.send\n{WHOLE.content}"


@pytest.mark.parametrize("text", [dense_text, lexical_text])
def test_signature_is_added_where_the_content_lacks_it(text: object) -> None:
    assert callable(text)
    assert text(TAIL) == "src/a.py\nSession.send\ndef send( self, ):\n    return 1"


def test_empty_parts_leave_no_blank_lines() -> None:
    assert dense_text(Chunk("a.txt", 1, 1, "text", "hello")) == "a.txt\nhello"


def test_versions_are_positive() -> None:
    assert HEADER_VERSION >= 1
    assert CHUNKER_VERSION >= 1
