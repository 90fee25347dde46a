"""Cut the text of one file into chunks, in the way its language allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.languages import detect
from coderank.corpus.lines import Lines, Rows, windows
from coderank.corpus.merging import MAX_CHARS
from coderank.corpus.prose import chunk_prose
from coderank.corpus.syntax import chunk_syntax
from coderank.corpus.syntax_rules import Kind
from coderank.types import Chunk

if TYPE_CHECKING:
    from coderank.corpus.syntax_rules import Language


def chunk(path: str, text: str) -> list[Chunk]:
    """Cut a file into chunks that are in order, do not overlap and together hold every line.

    Any text is accepted. A file of nothing but white space gives no chunk.
    """
    if not text.strip():
        return []
    language = detect(path, text[: text.find("\n")] if "\n" in text else text)
    if language.grammar and (chunks := chunk_syntax(path, text, language)) is not None:
        return chunks
    if language.kind is Kind.PROSE:
        return chunk_prose(path, text, language)
    return _chunk_lines(path, text, language)


def _chunk_lines(path: str, text: str, language: Language) -> list[Chunk]:
    lines = Lines.of(text)
    return [
        Chunk(path, rows.start + 1, rows.end, language.name, lines.text(rows))
        for rows in windows(lines, Rows(0, len(lines)), MAX_CHARS)
    ]
