"""Names for chunks that survive a move: content-addressed ids and vector keys. Pure."""

from __future__ import annotations

import uuid
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.types import Chunk

_BYTES = 16


def point_ids(chunks: Sequence[Chunk]) -> list[str]:
    """Return a UUID for each chunk of one file.

    Line numbers are left out, so that a chunk keeps its id when it moves; equal chunks are told apart by their order.
    """
    seen: Counter[bytes] = Counter()
    ids: list[str] = []
    for chunk in chunks:
        key = _digest(chunk.path, chunk.symbol, chunk.signature, chunk.content)
        ids.append(str(uuid.UUID(bytes=_digest(key.hex(), str(seen[key])))))
        seen[key] += 1
    return ids


def vector_key(chunk: Chunk) -> bytes:
    """Return 16 bytes over symbol, signature and content: a renamed or copied file finds its vectors again."""
    return _digest(chunk.symbol, chunk.signature, chunk.content)


def _digest(*parts: str) -> bytes:
    """Hash the parts with their lengths, so that no two lists of parts run together."""
    digest = blake2b(digest_size=_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
