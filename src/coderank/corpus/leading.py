"""What belongs to the definition after it: doc comments, attributes, type signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coderank.corpus.grammars import Node
    from coderank.corpus.lines import Lines
    from coderank.corpus.syntax_rules import Language


def is_leading(kind: str, language: Language) -> bool:
    """Tell whether a node of this type belongs to what follows it."""
    return "comment" in kind or kind in language.leading


def begins_line(node: Node, lines: Lines) -> bool:
    """Tell whether only white space stands before a node on its line."""
    row, column = node.start_point
    line = lines.lines[row] if row < len(lines) else ""
    return len(line) - len(line.lstrip()) >= column


def adjoins(node: Node, lines: Lines) -> bool:
    """Tell whether at most one blank line follows a node."""
    row = node.end_point.row + (1 if node.end_point.column else 0)
    return not all(lines.is_blank(below) for below in range(row, min(row + 2, len(lines))))
