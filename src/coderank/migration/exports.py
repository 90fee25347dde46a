"""Reads what `coderank collections export` wrote: one point a line, as JSON, compressed or not."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from coderank.errors import PathNotFoundError, UsageError
from coderank.store.raw import RawPoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = 1000
"""Points given at once."""


class _Line(msgspec.Struct, frozen=True):
    id: str | int
    payload: dict[str, Any]


def read_lines(file: Path) -> Iterator[list[RawPoint]]:
    """Give the points of an export, without vectors, a page at a time.

    Raises:
        PathNotFoundError: the file cannot be read.
        UsageError: a line is not that of a point; the message names it.
    """
    page: list[RawPoint] = []
    try:
        with _opened(file) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    page.append(_point(file, number, line))
                if len(page) == PAGE:
                    yield page
                    page = []
    except (OSError, EOFError) as error:
        raise PathNotFoundError(
            f"Cannot read {file}: {error}", "Give a file of `coderank collections export`"
        ) from error
    if page:
        yield page


def _opened(file: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(file, "rb")) if file.suffix == ".gz" else file.open("rb")


def _point(file: Path, number: int, line: bytes) -> RawPoint:
    try:
        found = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}:{number} is no point: {error}", 'A line is {"id": …, "payload": {…}}') from error
    return RawPoint(found.id, found.payload, {})
