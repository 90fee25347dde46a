"""The definitions of one file, read off its syntax tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coderank.corpus import naming
from coderank.corpus.lines import Lines, Rows
from coderank.corpus.syntax_rules import Language, Role, Rule

if TYPE_CHECKING:
    from coderank.corpus.grammars import Node

# Deeper nests are generated or hostile; a chain of more names says nothing more.
MAX_NESTING = 16
# A signature longer than this is cut: it heads the chunk, it does not replace it.
MAX_SIGNATURE = 240

# A line that ends so opens a body: what follows is no part of the signature.
_OPENERS = (":", "{", "=>", " do")
_BODIES = ("body", "block")
# What error recovery made of broken source: variables in it may be anyone's.
_BROKEN = "ERROR"
_CLOSED = frozenset({Role.CALLABLE, Role.BODY})


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: the lines it spans (0-based, inclusive) and what it is called."""

    start: int
    end: int
    name: str
    """The last part of ``symbol``, or "" where it names no new thing (an ``impl`` block)."""
    symbol: str
    node: Node
    row: int
    """The line of its name."""
    level: int
    """How many definitions enclose it."""

    is_value: bool = False

    def signature(self, lines: Lines) -> str:
        """Return what stands between the line of the name and the body, folded into one line."""
        body = self._body()
        last = self.row if body is None else min(body.start_point.row, self.end)
        head: list[str] = []
        for row in range(self.row, last + 1):
            line = lines.lines[row].strip()
            if row == last and row > self.row and body is not None:
                line = lines.lines[row].encode("utf-8", "replace")[: body.start_point.column].decode("utf-8", "ignore")
            head.append(line)
            if line.endswith(_OPENERS):
                break
        return " ".join(" ".join(head).split())[:MAX_SIGNATURE]

    def _body(self) -> Node | None:
        if (body := self.node.child_by_field_name("body")) is not None:
            return body
        return next((child for child in self.node.named_children if child.type.endswith(_BODIES)), None)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk stands: the node and what encloses it."""

    node: Node
    owner: Definition | None
    depth: int
    closed: bool
    """Inside a function, where variables are local."""


def outline(root: Node, language: Language, lines: Lines, limit: int) -> list[Definition]:
    """List the definitions in source order, outer before inner.

    Functions of up to ``limit`` characters are not searched: what they define is local.
    """
    found: list[Definition] = []
    stack = [_Place(root, None, 0, closed=False)]
    rules = language.definitions
    while stack:
        place = stack.pop()
        node = place.node
        rule = rules.get(node.type)
        if rule is None and place.depth and node.start_point.row == node.end_point.row:
            continue
        if node.type == _BROKEN:
            place = replace(place, closed=True)
        inner = place if rule is None else _enter(place, rule, lines, limit, found)
        if inner is None:
            continue
        stack.extend(
            _Place(child, inner.owner, inner.depth + 1, closed=inner.closed) for child in reversed(node.named_children)
        )
    return found


def _enter(place: _Place, rule: Rule, lines: Lines, limit: int, found: list[Definition]) -> _Place | None:
    """Note the definition at a place; return the place its children stand in, or None to pass them over."""
    node = place.node
    start, end = node.start_point.row, node.end_point.row
    name = naming.read(node, rule) if rule.role is not Role.WRAPPER else None
    role = name.role if name else rule.role
    closed = place.closed or role in _CLOSED
    if name is None or (role is Role.VALUE and (place.closed or (place.owner and end - start < 2))):
        return _Place(node, place.owner, place.depth, closed=closed) if end > start or name is None else None
    owner = place.owner
    if not _repeats(owner, name.text, start) and (owner is None or owner.level < MAX_NESTING):
        owner = _definition(place, name, Rows(start, end))
        found.append(owner)
    if role is Role.CALLABLE and lines.weight(Rows(start, end + 1)) <= limit:
        return None
    return _Place(node, owner, place.depth, closed=closed)


def _repeats(owner: Definition | None, name: str, start: int) -> bool:
    """Tell whether a node names what already encloses it: ``app.use = function use() {}``."""
    return owner is not None and owner.start == start and owner.name == name.rpartition(".")[2]


def _definition(place: _Place, name: naming.Name, rows: Rows) -> Definition:
    symbol = f"{place.owner.symbol}.{name.text}" if place.owner else name.text
    bare = "" if name.role in (Role.EXTENSION, Role.BODY) else name.text.rpartition(".")[2]
    level = place.owner.level + 1 if place.owner else 0
    return Definition(rows.start, rows.end, bare, symbol, place.node, name.row, level, name.role is Role.VALUE)
