"""The definitions of one file, read off its syntax tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coderank.corpus import naming
from coderank.corpus.leading import adjoins, is_leading
from coderank.corpus.lines import Lines, Rows
from coderank.corpus.syntax_rules import Language, Role, Rule

if TYPE_CHECKING:
    from coderank.corpus.grammars import Node
    from coderank.corpus.names import Name

# Deeper nests are generated or hostile; a chain of more names says nothing more.
MAX_NESTING = 16
# A signature longer than this is cut: it heads the chunk, it does not replace it.
MAX_SIGNATURE = 240

# A line that ends so opens a body: what follows is no part of the signature.
_OPENERS = (":", "{", "=>", " do")
_BODIES = ("body", "block")
# What error recovery made of broken source: variables in it may be anyone's.
_BROKEN = "ERROR"
# A value inside a type counts from this many lines on (a table, a schema); shorter ones are fields.
_SHOWN_VALUE = 2
_VALUES = frozenset({Role.VALUE, Role.CONSTANT})
_NAMELESS = frozenset({Role.BODY, Role.WRAPPER})
_CLOSED = frozenset({Role.CALLABLE, Role.BODY})


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: the lines it spans (0-based, inclusive) and what it is called."""

    lead: int
    """The line where its comments and attributes begin."""
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

    is_value: bool

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
    rule: Rule | None
    lead: int
    """The line where the comments and attributes in front of the node begin."""
    owner: Definition | None
    closed: bool
    """Inside a function, where variables are local."""


def outline(root: Node, language: Language, lines: Lines, limit: int) -> list[Definition]:
    """List the definitions in source order, outer before inner.

    Functions of up to ``limit`` characters are not searched: what they define is local.
    """
    found: list[Definition] = []
    stack = [_Place(root, None, 0, None, closed=False)]
    while stack:
        place = stack.pop()
        inner = place if place.rule is None else _enter(place, place.rule, lines, limit, found)
        if inner is not None:
            stack.extend(reversed(_below(inner, language, lines)))
    return found


def _below(place: _Place, language: Language, lines: Lines) -> list[_Place]:
    """List the children that may define something: those with a rule, those of more than one line, bodies of types."""
    places: list[_Place] = []
    role = place.rule.role if place.rule else None
    wraps, is_type = role is Role.WRAPPER, role in (Role.TYPE, Role.EXTENSION)
    lead = place.lead if wraps else None
    for child in place.node.named_children:
        kind = child.type
        rule, is_lead = language.definitions.get(kind), is_leading(kind, language)
        if not (rule or is_lead or is_type) and child.start_point.row == child.end_point.row:
            lead = lead if wraps else None
            continue
        row = child.start_point.row
        if is_lead:
            lead = (row if lead is None else lead) if adjoins(child, lines) else None
        if rule or not is_lead:
            closed = place.closed or kind == _BROKEN
            places.append(_Place(child, rule, row if lead is None else lead, place.owner, closed=closed))
        if not is_lead:
            lead = None
    return places


def _enter(place: _Place, rule: Rule, lines: Lines, limit: int, found: list[Definition]) -> _Place | None:
    """Note the definition at a place; return the place its children stand in, or None to pass them over."""
    node = place.node
    start, end = node.start_point.row, _end(node, rule)
    name = naming.read(node, rule) if rule.role not in _NAMELESS else None
    role = name.role if name else rule.role
    inner = replace(place, closed=True) if role in _CLOSED else place
    if name is None:
        return inner
    if _is_local(place, role, end - start):
        return inner if end > start else None
    owner = place.owner
    if not _repeats(owner, name.text, start) and (owner is None or owner.level < MAX_NESTING):
        owner = _definition(place, name, Rows(start, end))
        found.append(owner)
    if role is Role.CALLABLE and lines.weight(Rows(start, end + 1)) <= limit:
        return None
    return replace(inner, owner=owner)


def _is_local(place: _Place, role: Role, lines_after: int) -> bool:
    """Tell whether a value is a variable of a function or a plain field."""
    is_field = role is Role.VALUE and place.owner is not None and lines_after < _SHOWN_VALUE
    return role in _VALUES and (place.closed or is_field)


def _end(node: Node, rule: Rule) -> int:
    """Return the last line of a definition, with the body that a grammar keeps beside it."""
    beside = node.next_named_sibling if rule.tail else None
    row, column = (beside if beside is not None and beside.type == rule.tail else node).end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _repeats(owner: Definition | None, name: str, start: int) -> bool:
    """Tell whether a node names what already encloses it: ``app.use = function use() {}``."""
    return owner is not None and owner.start == start and owner.name == _bare(name)


def _bare(name: str) -> str:
    """Return the last part of a dotted name; an operator may hold dots of its own."""
    last = name.rpartition(".")[2]
    return last if last[:1].isalnum() or last[:1] in ("_", "$", "#", "@") else name


def _definition(place: _Place, name: Name, rows: Rows) -> Definition:
    owner = place.owner
    return Definition(
        lead=place.lead,
        start=rows.start,
        end=rows.end,
        name="" if name.role is Role.EXTENSION else _bare(name.text),
        symbol=f"{owner.symbol}.{name.text}" if owner else name.text,
        node=place.node,
        row=name.row,
        level=owner.level + 1 if owner else 0,
        is_value=name.role in _VALUES,
    )
