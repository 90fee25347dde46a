"""What a row of the language table says: how a file is recognised, and which syntax nodes define something."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coderank.corpus.masking import Mask


class Kind(StrEnum):
    """How a language is cut into chunks and read by the ranking."""

    CODE = "code"
    PROSE = "prose"
    DATA = "data"


class Role(StrEnum):
    """What a syntax node does to the definitions in and around it."""

    TYPE = "type"
    """A class, module or trait: its members are definitions of their own."""
    CALLABLE = "callable"
    """A function or method: what it defines inside is local."""
    VALUE = "value"
    """A constant, variable or alias: counts at module level only."""
    CONSTANT = "constant"
    """A value that is declared constant: counts inside types too."""
    EXTENSION = "extension"
    """Names its members' chain but defines no name itself: a Rust ``impl``, a Swift ``extension``, a test."""
    BODY = "body"
    """An anonymous function: values inside are local."""
    WRAPPER = "wrapper"
    """Defines nothing but holds what does: ``export``, a decorator, ``const ( ... )``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How to read one node type: its role and the way to its name.

    ``name`` is a field of the node; with a leading ``<`` a path of child types (``*`` is any); with a leading ``@`` a
    reader of `coderank.corpus.naming`.
    """

    role: Role
    name: str = "name"
    tail: str = ""
    """The type of the next sibling where the grammar keeps the body outside of the definition."""


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table."""

    name: str
    extensions: tuple[str, ...] = ()
    """With the dot, lower case."""
    filenames: tuple[str, ...] = ()
    """Whole file names, or stems in front of an unknown extension."""
    interpreters: tuple[str, ...] = ()
    """Programs of a ``#!`` line, without version digits."""
    grammar: str = ""
    """A tree-sitter grammar, or "" to cut without syntax."""
    definitions: Mapping[str, Rule] = field(default_factory=dict)
    """Rule by node type."""
    leading: frozenset[str] = frozenset()
    """Node types that belong to the definition after them: attributes, type signatures."""
    masks: tuple[Mask, ...] = ()
    """What to hide from the grammar because it cannot read it."""
    kind: Kind = Kind.CODE
