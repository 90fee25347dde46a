"""Tree-sitter parsing. The only file that imports tree_sitter and semble_grammars."""

from __future__ import annotations

import os
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter
    from tree_sitter import Node, Tree

    __all__ = ["Node", "Tree", "parse", "use_cache"]

_CACHE_VARIABLE = "SEMBLE_GRAMMARS_CACHE_DIR"
_local = threading.local()
_extraction = threading.Lock()


def use_cache(folder: Path) -> None:
    """Unpack grammars into this folder instead of the user's cache folder. Call before the first `parse`."""
    os.environ[_CACHE_VARIABLE] = str(folder)


def parse(grammar: str, source: bytes) -> Tree:
    """Parse UTF-8 source. Malformed source still gives a tree, with error nodes. Safe to call from any thread."""
    return _parser(grammar).parse(source)


def _parser(grammar: str) -> tree_sitter.Parser:
    """Return this thread's parser: a parser carries state and must not be shared between threads."""
    import tree_sitter

    parsers: dict[str, tree_sitter.Parser] = _local.__dict__.setdefault("parsers", {})
    if grammar not in parsers:
        parsers[grammar] = tree_sitter.Parser(_language(grammar))
    return parsers[grammar]


def _language(grammar: str) -> tree_sitter.Language:
    """Load a grammar, unpacking into a private folder where the cache folder cannot be written."""
    from semble_grammars import GrammarLoadError, get_language

    with _extraction:
        try:
            return get_language(grammar)
        except GrammarLoadError:
            use_cache(_private_folder())
            return get_language(grammar)


@cache
def _private_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="coderank-grammars-"))
