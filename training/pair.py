"""A training pair, and files of them: one a line, as JSON, compressed."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Pair(msgspec.Struct, frozen=True, gc=False):
    """One example: a question, and the text that answers it."""

    summary: str
    """The first sentence of the comment."""
    detail: str
    """The comment as a whole, cut; empty where it says no more than the summary."""
    text: str
    """What the model reads of the code: header and content, without the comment."""
    header: int
    """Characters of the header, with its line end."""
    language: str
    package: str
    kind: str
    """``definition``, ``chunk``, ``section`` or ``example``."""

    @property
    def bare(self) -> str:
        """The text without its header."""
        return self.text[self.header :]


def read(path: Path) -> list[Pair]:
    """Read the pairs of a file."""
    decoder = msgspec.json.Decoder(Pair)
    with gzip.open(path) as lines:
        return [decoder.decode(line) for line in lines]


def write(path: Path, pairs: Iterable[Pair]) -> None:
    """Write a file that is there as a whole or not at all, with the same bytes whenever it is written."""
    partly = path.with_suffix(".partly")
    with gzip.GzipFile(partly, "wb", compresslevel=6, mtime=0) as out:
        out.writelines(msgspec.json.encode(pair) + b"\n" for pair in pairs)
    partly.replace(path)
