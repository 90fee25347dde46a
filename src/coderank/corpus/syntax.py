"""Chunks that follow the syntax: definitions stay whole where they fit and are split at their members where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coderank.corpus import grammars
from coderank.corpus.leading import adjoins, begins_line, is_leading
from coderank.corpus.lines import Lines, Rows, windows
from coderank.corpus.merging import MAX_CHARS, merge
from coderank.corpus.outline import Definition, outline
from coderank.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coderank.corpus.grammars import Node
    from coderank.corpus.syntax_rules import Language


@dataclass(frozen=True, slots=True)
class _Region:
    """A run of lines and the syntax nodes that make it up."""

    rows: Rows
    nodes: Sequence[Node]


def chunk_syntax(path: str, text: str, language: Language) -> list[Chunk] | None:
    """Cut source code along its syntax tree. Every line is in one chunk; malformed code is cut as far as it parses.

    None where the text does not parse in reasonable time.
    """
    lines = Lines.of(text)
    tree = grammars.parse(language.grammar, _readable(text, language))
    if tree is None:
        return None
    definitions = outline(tree.root_node, language, lines, MAX_CHARS)
    pieces = _split(tree.root_node, lines, language)
    runs = merge(pieces, definitions, lines, MAX_CHARS)
    return [
        Chunk(
            path,
            rows.start + 1,
            rows.end,
            language.name,
            lines.text(rows),
            main.symbol if main else "",
            main.signature(lines) if main else "",
            tuple(dict.fromkeys(definition.name for definition in starting if definition.name)),
        )
        for rows, main, starting in _label(runs, definitions, lines)
    ]


def _readable(text: str, language: Language) -> bytes:
    source = text.encode("utf-8", "replace")
    for mask in language.masks:
        source = mask.apply(source)
    return source


def _split(root: Node, lines: Lines, language: Language) -> list[Rows]:
    """Cut the whole file into runs that fit, in order; a line that does not fit is a run of its own."""
    pieces: list[Rows] = []
    stack = [_Region(Rows(0, len(lines)), [root])]
    while stack:
        region = stack.pop()
        if lines.weight(region.rows) <= MAX_CHARS or region.rows.end - region.rows.start == 1:
            pieces.append(region.rows)
        elif parts := _parts(region, lines, language):
            stack.extend(reversed(parts))
        else:
            pieces.extend(windows(lines, region.rows, MAX_CHARS))
    return pieces


def _parts(region: _Region, lines: Lines, language: Language) -> list[_Region]:
    """Cut a region at its nodes or, where it is one node, at the highest level inside that starts lines."""
    nodes = region.nodes
    if len(nodes) > 1 and (parts := _cut(region.rows, nodes, lines, language, keep_equations=False)):
        return parts
    while nodes:
        nodes = [child for node in nodes if _spans_lines(node) for child in node.named_children]
        if parts := _cut(region.rows, nodes, lines, language):
            return parts
    return []


def _spans_lines(node: Node) -> bool:
    return node.end_point.row > node.start_point.row


def _cut(
    rows: Rows, nodes: Sequence[Node], lines: Lines, language: Language, *, keep_equations: bool = True
) -> list[_Region]:
    """Start a part at each node that begins a line; comments and attributes stay with what follows them."""
    parts: list[_Region] = []
    held: list[Node] = []
    start, glued = rows.start, False
    previous: Node | None = None
    for node in nodes:
        row, begins = node.start_point.row, begins_line(node, lines)
        if start < row < rows.end and begins and not glued and not (keep_equations and _continues(previous, node)):
            parts.append(_Region(Rows(start, row), held))
            start, held = row, []
        if is_leading(node.type, language):
            glued = (begins or glued) and adjoins(node, lines)
        else:
            glued = False
            held.append(node)
        previous = node
    return [*parts, _Region(Rows(start, rows.end), held)] if parts else []


def _continues(previous: Node | None, node: Node) -> bool:
    """Tell whether a node is the next equation of the same function (Haskell)."""
    if previous is None or previous.type not in ("function", "signature") or node.type not in ("function", "bind"):
        return False
    before, after = previous.child_by_field_name("name"), node.child_by_field_name("name")
    return before is not None and after is not None and before.text == after.text


def _label(
    runs: Sequence[Rows], definitions: Sequence[Definition], lines: Lines
) -> Iterator[tuple[Rows, Definition | None, list[Definition]]]:
    """Give each run its main definition and the definitions that start in it."""
    position = 0
    around: list[Definition] = []
    for rows in runs:
        first = position
        while position < len(definitions) and definitions[position].start < rows.end:
            position += 1
        starting = list(definitions[first:position])
        around = [definition for definition in around if definition.end >= rows.start]
        ahead = [each for each in definitions[position : position + 1] if _is_mostly_after(each.lead, rows, lines)]
        last = lines.last_full(rows)
        yield rows, _largest(starting, last) or next(iter([*ahead, *reversed(around)]), None), starting
        around += [definition for definition in starting if definition.end >= rows.end]


def _is_mostly_after(row: int, rows: Rows, lines: Lines) -> bool:
    return row < rows.end and lines.weight(Rows(max(row, rows.start), rows.end)) * 2 >= lines.weight(rows)


def _largest(starting: Sequence[Definition], last: int) -> Definition | None:
    """Pick the definition that fills most lines of a run that ends with line ``last``.

    What lies in a definition that is here as a whole does not compete with it; a class of which only the head is here
    counts with the lines of the head. Values give way to types and functions.
    """
    best: Definition | None = None
    size, covered = (False, 0), -1
    for position, definition in enumerate(starting):
        if definition.end <= covered:
            continue
        if definition.end <= last:
            end = covered = definition.end
        else:
            end = starting[position + 1].start - 1 if position + 1 < len(starting) else last
        candidate = (not definition.is_value, end - definition.start + 1)
        if candidate > size:
            best, size = definition, candidate
    return best
