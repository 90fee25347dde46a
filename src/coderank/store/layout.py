"""Where the points of a collection keep what a search needs: coderank's own, or what another program chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from coderank.store.payload import DEFINES, LANGUAGE, PATH, from_payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coderank.types import Chunk

SHARD = "shard"
"""The folder of the points in an index folder of the embedded engine."""
DENSE = "dense"
LEXICAL = "lexical"
STATIC_PREFIX = "static-"
"""Begins the name of the vector that stands in for the dense one. What follows names the table it is made by, so that
those of another table are never compared with a query, whatever made them."""


@dataclass(frozen=True, slots=True)
class StaticVector:
    """The vector that stands in for the dense one until that is there."""

    table: str
    """What tells its table from any other: the file stem of its model."""
    dimension: int

    @property
    def name(self) -> str:
        """What points call it."""
        return STATIC_PREFIX + self.table


class ToChunk(Protocol):
    """Reads a chunk from the payload of the point with this id; None of a point that is none."""

    def __call__(self, payload: Mapping[str, Any] | None, id_: str) -> Chunk | None: ...  # noqa: D102


def _own_chunk(payload: Mapping[str, Any] | None, id_: str) -> Chunk:  # noqa: ARG001
    return from_payload(payload)


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of vectors and fields; an empty field is one that the points do not have."""

    dense: str = DENSE
    """Name of the dense vector, empty for an unnamed one."""
    lexical: str | None = LEXICAL
    """Name of the sparse vector of terms; None where there is none, and a search has its dense leg alone."""
    chunk: ToChunk = _own_chunk
    path: str = PATH
    language: str = LANGUAGE
    defines: str = DEFINES
    ascending: bool = False
    """Whether a smaller score of the engine is the better one: a distance instead of a similarity."""

    @property
    def vector(self) -> str | None:
        """The dense vector as the client names it: None for the unnamed one."""
        return self.dense or None


OWN = Layout()
