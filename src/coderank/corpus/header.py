"""What a model reads of a chunk: its code under a header that says where it stands. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coderank.types import Chunk

# Part of an index's fingerprint: raise when the text below changes for the same chunk.
HEADER_VERSION = 1
# Part of an index's fingerprint: raise when the same file is cut or labelled in another way.
CHUNKER_VERSION = 1


def dense_text(chunk: Chunk) -> str:
    """Return what the embedding model reads."""
    return _under_header(chunk)


def lexical_text(chunk: Chunk) -> str:
    """Return what the term index reads."""
    return _under_header(chunk)


def _under_header(chunk: Chunk) -> str:
    signature = "" if _is_shown(chunk) else chunk.signature
    return "\n".join([*filter(None, (chunk.path, chunk.symbol, signature)), chunk.content])


def _is_shown(chunk: Chunk) -> bool:
    """Tell whether the content already holds the signature, however it is broken into lines."""
    return chunk.signature in " ".join(chunk.content.split())
