"""Tree-sitter parsing. The only file that imports tree_sitter and semble_grammars."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tree_sitter import Language, Parser
    from tree_sitter import Node as Node  # noqa: PLC0414 - exported to the rest of the package
    from tree_sitter import Tree as Tree  # noqa: PLC0414

_CACHE_VARIABLE = "SEMBLE_GRAMMARS_CACHE_DIR"
# Processor time allowed for a parse. Real code takes 0.2 microseconds a byte, so 25 times that is no code.
_SECONDS = 0.2
_SECONDS_PER_BYTE = 5e-6
# Bytes handed over per read; a node's text is read in such blocks too, so a large block would be copied for each name.
_READ_BYTES = 1 << 10
_local = threading.local()
_extraction = threading.Lock()
_usual = SimpleNamespace(folder="")


def use_cache(folder: Path) -> None:
    """Unpack grammars into this folder instead of the user's cache folder. Call before the first `parse`."""
    _usual.folder = os.environ[_CACHE_VARIABLE] = str(folder)


def parse(grammar: str, source: bytes) -> Tree | None:
    """Parse UTF-8 source. Malformed source still gives a tree, with error nodes. Safe to call from any thread.

    None where this platform has no grammars, and where parsing takes far longer than source code ever does: text that
    is not in the language at all can cost time that grows with the square of its length.
    """
    parser = _parser(grammar)
    if parser is None:
        return None
    deadline = time.thread_time() + _SECONDS + _SECONDS_PER_BYTE * len(source)
    try:
        return parser.parse(
            lambda offset, _point: source[offset : offset + _READ_BYTES],
            progress_callback=lambda _offset, _has_error: time.thread_time() > deadline,
        )
    except ValueError:
        parser.reset()
        return None


def _parser(grammar: str) -> Parser | None:
    """Return this thread's parser: a parser carries state and must not be shared between threads."""
    from tree_sitter import Parser  # noqa: PLC0415 - 40 ms with the grammars, and an unchanged index parses nothing

    parsers: dict[str, Parser | None] = _local.__dict__.setdefault("parsers", {})
    if grammar not in parsers:
        language = _language(grammar)
        parsers[grammar] = Parser(language) if language is not None else None
    return parsers[grammar]


def _language(grammar: str) -> Language | None:
    """Load a grammar, unpacking it elsewhere where the cache folder cannot be written or run from."""
    from semble_grammars import (  # noqa: PLC0415 - see above
        GrammarLoadError,
        UnsupportedPlatformError,
        get_language,
    )

    language: Language
    with _extraction:
        try:
            language = get_language(grammar)
        except UnsupportedPlatformError:
            return None
        except GrammarLoadError:
            language = _loaded_aside(grammar)
    return language


def _loaded_aside(grammar: str) -> Language:
    """Load a grammar from a temporary folder, and delete that at once: what is loaded stays loaded.

    Windows lets nobody delete a library that is loaded, so that the folder stays there.
    """
    from semble_grammars import get_language  # noqa: PLC0415 - see above

    with tempfile.TemporaryDirectory(prefix="coderank-grammars-", ignore_cleanup_errors=True) as folder:
        os.environ[_CACHE_VARIABLE] = folder
        try:
            language: Language = get_language(grammar)
        finally:
            os.environ[_CACHE_VARIABLE] = _usual.folder  # empty for the user's own
    return language
