"""Tree-sitter parsing. The only file that imports tree_sitter and semble_grammars."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def use_cache(folder: Path) -> None:
    """Unpack grammars into this folder instead of the user's cache folder. Call before the first `parse`."""
    os.environ[_CACHE_VARIABLE] = str(folder)


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
    """Load a grammar, unpacking into a private folder where the cache folder cannot be written or run from."""
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
            use_cache(_private_folder())
            language = get_language(grammar)
    return language


@cache
def _private_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="coderank-grammars-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
