"""A definition's name and the small readings of syntax nodes that naming is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from coderank.corpus.grammars import Node
    from coderank.corpus.syntax_rules import Role


class Name(NamedTuple):
    """A definition's name, joined by dots, and the role it turned out to have."""

    text: str
    role: Role
    row: int
    """The line the name is on: the line of the signature, below decorators and annotations."""


_GENERIC = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_SEPARATOR = re.compile(r"::|->|[\\:#]")
_SPACE = re.compile(r"\s+")
# Longer names are the grammar's mistakes (a whole expression read as a name).
LONGEST_NAME = 120
# Keywords that error recovery reads as names.
_NOT_NAMES = frozenset(
    {"class", "else", "enum", "for", "if", "namespace", "operator", "return", "struct", "switch", "while"}
)


def fold(text: str) -> str:
    """Reduce every run of white space to one blank."""
    return _SPACE.sub(" ", text)


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def plain(text: str) -> str:
    """Reduce a qualified, generic name to its parts joined by dots: ``a::B<T>`` is ``a.B``."""
    scope, _, symbol = text.partition("operator")
    if symbol and not (symbol[0].isalnum() or symbol[0] == "_") and scope[-1:] in ("", ":"):
        return f"{plain(scope)}.operator{_operator(symbol)}".lstrip(".")
    previous = None
    while previous != text:
        previous, text = text, _GENERIC.sub("", text)
    return fold(_SEPARATOR.sub(".", text)).strip(' .*&"`')


def _operator(symbol: str) -> str:
    """Reduce what follows ``operator``: a symbol as it stands, a conversion without its parentheses."""
    if symbol.startswith(" ") and symbol.strip()[:1].isalpha():
        return " " + symbol.partition("(")[0].strip()
    return symbol.replace(" ", "")


def named(node: Node | None, role: Role) -> Name | None:
    """Make a name of a node's text, or None where it cannot be one."""
    if node is None or node.end_byte - node.start_byte > LONGEST_NAME:
        return None
    text = plain(text_of(node))
    return Name(text, role, node.start_point.row) if text and text not in _NOT_NAMES else None


def first_child(node: Node, *types: str) -> Node | None:
    """Return the first named child of one of these types."""
    return next((child for child in node.named_children if child.type in types), None)


def first_field(node: Node, *names: str) -> Node | None:
    """Return the child in the first of these fields that is there."""
    for name in names:
        if (child := node.child_by_field_name(name)) is not None:
            return child
    return None


def descend(node: Node, path: list[str]) -> Node | None:
    """Follow a path of child types; ``*`` takes the first named child."""
    found: Node | None = node
    for kind in path:
        found = next((child for child in found.named_children if kind in (child.type, "*")), None) if found else None
    return found
