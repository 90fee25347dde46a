"""Cut the sources of one package into training pairs: what a comment says, and the code below it. Pure but for reading.

The chunker, the outline and the header are the project's own, so that a model is trained on what it will read. A pair
is either one definition by itself or the whole chunk that it stands in; the comment is taken out of both, so that its
words do not give the answer away. Headings of documentation are paired with their sections, and the sentence above an
example with the example.
"""

from __future__ import annotations

import random
import re
import zlib
from typing import TYPE_CHECKING

from coderank.corpus import grammars
from coderank.corpus.chunk import chunk
from coderank.corpus.header import dense_text
from coderank.corpus.languages import detect
from coderank.corpus.lines import Lines
from coderank.corpus.machine_written import generated_marker, is_minified
from coderank.corpus.merging import MAX_CHARS
from coderank.corpus.outline import outline
from coderank.corpus.syntax_rules import Kind
from coderank.types import Chunk
from training.pair import Pair
from training.phrasing import phrased

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coderank.corpus.outline import Definition
    from coderank.corpus.syntax_rules import Language

SEED = 20_262
WHOLE_CHUNK = 0.4
"""Share of the pairs that show a definition among its neighbours, as an index does, instead of by itself."""
LEAST_CODE = 3
"""Lines of code below the comment: shorter ones say nothing that their name does not."""
LONGEST_FILE = 300_000
"""Characters: longer files are tables."""
_PYTHON_DOC = re.compile(r'^[ \t]*[rbuRBU]{0,2}("""|\'\'\')(.*?)\1[ \t]*$', re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(
    r"^\s*(?:///?!?|/\*[*!]?|\*+/|\*|--+\|?|;;+|#(?![!\[a-z])|%+|\(\*\*?|\{-\|?)\s?(.*?)\s*(?:\*+/|\*\)|-\})?\s*$"
)
_FENCE = re.compile(r"^(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)^(?:```|~~~)[ \t]*$", re.DOTALL | re.MULTILINE)
_SHELL = frozenset({"", "sh", "bash", "shell", "console", "text", "txt", "diff", "json", "yaml", "toml", "ini", "xml"})
_HEADING = re.compile(r"^(#{1,4})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


def pairs(package: str, files: Mapping[str, str]) -> Iterator[Pair]:
    """Draw the pairs of a package from its files, by path."""
    for path in sorted(files):
        text = files[path]
        if len(text) > LONGEST_FILE or is_minified(path, text) or generated_marker(path, text):
            continue
        language = detect(path, text[: text.find("\n")] if "\n" in text else text)
        if language.name == "markdown":
            yield from _documentation(package, path, text)
        elif language.grammar and language.kind is not Kind.PROSE:
            yield from _code(package, path, text, language)


def _code(package: str, path: str, text: str, language: Language) -> Iterator[Pair]:
    lines = Lines.of(text)
    source = text.encode("utf-8", "replace")
    for mask in language.masks:
        source = mask.apply(source)
    tree = grammars.parse(language.grammar, source)
    if tree is None:
        return
    dice = random.Random(zlib.crc32(f"{SEED} {package} {path}".encode()))
    chunks: list[Chunk] | None = None
    for definition in outline(tree.root_node, language, lines, MAX_CHARS):
        found = _python(definition, lines) if language.name == "python" else _comment(definition, lines)
        if found is None:
            continue
        comment, first, last = found
        summary, detail = phrased(comment)
        if not summary:
            continue
        kind, shown = "definition", _alone(path, definition, lines, language, (first, last))
        if dice.random() < WHOLE_CHUNK:
            chunks = chunk(path, text) if chunks is None else chunks
            kind, shown = "chunk", _among(chunks, definition, (first, last))
        if shown is not None:
            yield _pair(summary, detail, shown, package, kind)


def _python(definition: Definition, lines: Lines) -> tuple[str, int, int] | None:
    """Return the doc string of a definition, and its first and last line."""
    text = "\n".join(lines.lines[definition.start : definition.end + 1])
    match = _PYTHON_DOC.search(text)
    if match is None or not re.search(r":[ \t]*(?:#[^\n]*)?$", text[: match.start()].rstrip()):
        return None
    before = text[: match.start()]
    if len(re.findall(r"^[ \t]*(?:async[ \t]+)?(?:def|class)\b", before, re.MULTILINE)) > 1:
        return None
    first = definition.start + before.count("\n")
    return match[2], first, first + match[0].count("\n")


def _comment(definition: Definition, lines: Lines) -> tuple[str, int, int] | None:
    """Return the comment in front of a definition, and its first and last line."""
    texts: list[str] = []
    first = last = -1
    for row in range(definition.lead, definition.start):
        match = _COMMENT.match(lines.lines[row])
        if match is not None:
            first = row if first < 0 else first
            last = row
            texts.append(match[1])
        elif texts and lines.lines[row].strip() and "*/" not in "".join(lines.lines[row : definition.start]):
            break
        elif texts:
            last = row
            texts.append(lines.lines[row].strip())
    return ("\n".join(texts), first, last) if texts else None


def _alone(
    path: str, definition: Definition, lines: Lines, language: Language, hidden: tuple[int, int]
) -> Chunk | None:
    kept = [
        line
        for row, line in enumerate(lines.lines[definition.lead : definition.end + 1], start=definition.lead)
        if not hidden[0] <= row <= hidden[1]
    ]
    return _shown(path, definition, lines, language.name, kept)


def _shown(path: str, definition: Definition, lines: Lines, language: str, kept: Sequence[str]) -> Chunk | None:
    """Make the chunk of one definition, cut to the length of a chunk."""
    taken: list[str] = []
    room = MAX_CHARS
    for line in kept:
        room -= len(line.strip())
        if room < 0:
            break
        taken.append(line)
    if sum(1 for line in taken if line.strip()) < LEAST_CODE:
        return None
    content = "\n".join(taken)
    start, end = definition.start + 1, definition.end + 1
    return Chunk(path, start, end, language, content, definition.symbol, definition.signature(lines))


def _among(chunks: Sequence[Chunk], definition: Definition, hidden: tuple[int, int]) -> Chunk | None:
    """Find the chunk in which a definition begins, without the comment; nothing where too little is left of it."""
    row = definition.row + 1
    for one in chunks:
        if one.start_line <= row <= one.end_line:
            kept = [
                line
                for number, line in enumerate(one.content.split("\n"), start=one.start_line)
                if not hidden[0] + 1 <= number <= hidden[1] + 1
            ]
            if sum(1 for line in kept if line.strip()) < LEAST_CODE:
                return None
            content = "\n".join(kept)
            return Chunk(one.path, one.start_line, one.end_line, one.language, content, one.symbol, one.signature)
    return None


def _documentation(package: str, path: str, text: str) -> Iterator[Pair]:
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings):
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        section = text[heading.end() : end].strip("\n")
        title, _ = phrased(heading[2])
        if title and sum(1 for line in section.splitlines() if line.strip()) >= LEAST_CODE:
            yield _written(package, path, title, section, "section")
    for fence in _FENCE.finditer(text):
        if fence[1].lower() in _SHELL or fence[2].count("\n") < LEAST_CODE:
            continue
        above = [part for part in re.split(r"\n\s*\n", text[: fence.start()].rstrip()) if part.strip()]
        told, _ = phrased(above[-1].lstrip("# -*>") if above else "")
        if told:
            yield _written(package, path, told, fence[2], "example")


def _written(package: str, path: str, question: str, content: str, kind: str) -> Pair:
    shown = Chunk(path, 1, 1, "markdown", content[:MAX_CHARS])
    return _pair(question, "", shown, package, kind)


def _pair(summary: str, detail: str, shown: Chunk, package: str, kind: str) -> Pair:
    text = dense_text(shown)
    return Pair(summary, detail, text, len(text) - len(shown.content), shown.language, package, kind)
