"""The points that an index of a tree would have, without an index: to be embedded where no store is in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.corpus.header import lexical_text
from coderank.corpus.identity import point_ids
from coderank.embedding.lexical import encode_document
from coderank.store.layout import LEXICAL
from coderank.store.payload import to_payload
from coderank.store.raw import RawPoint
from coderank.types import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.indexing.tree import Tree
    from coderank.types import Chunk


def points_of(tree: Tree) -> Iterator[list[RawPoint]]:
    """Read a tree in the order of its paths, and give the points of each file, with term weights and no more."""
    for entry in sorted(tree.entries().files):
        content = tree.read(entry)
        if isinstance(content, Skip):
            continue
        chunks = content.cut()
        if chunks:
            yield [_point(id_, chunk) for id_, chunk in zip(point_ids(chunks), chunks, strict=True)]


def _point(id_: str, chunk: Chunk) -> RawPoint:
    terms = encode_document(lexical_text(chunk))
    return RawPoint(id_, to_payload(chunk), {LEXICAL: terms} if terms.indices else {})
