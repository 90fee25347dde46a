"""One line of ready chunks: what it must hold, and what stands in for what it may leave out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec

from coderank.corpus.exclusions import by_name
from coderank.corpus.languages import detect
from coderank.corpus.read import holds_private_key
from coderank.types import Chunk, SkipReason

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Line(msgspec.Struct, frozen=True):
    """The keys of a line; others are ignored, as those who cut chunks keep more beside them."""

    content: str
    path: str = ""
    start_line: Positive | None = None
    end_line: Positive | None = None
    language: str = ""
    symbol: str = ""
    signature: str = ""
    names: tuple[str, ...] = ()


class _Point(msgspec.Struct, frozen=True):
    """A line of `coderank collections export`: the chunk is the payload."""

    payload: _Line


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is no chunk."""

    reason: SkipReason
    detail: str


_LINES = msgspec.json.Decoder(_Line)
_POINTS = msgspec.json.Decoder(_Point)
_MISSING_CONTENT = "missing required field `content`"


def parse_line(data: bytes, number: int, name: str) -> Chunk | Fault:
    """Read line ``number`` of the file ``name``: a JSON object with ``content``, or a point with such a ``payload``.

    Without a path, the chunk is that line of that file; without lines, its file begins with it.
    """
    try:
        line = _decoded(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Fault(SkipReason.MALFORMED, str(error))
    return _fault(line) or _chunk(line, number, name)


def _decoded(data: bytes) -> _Line:
    try:
        return _LINES.decode(data)
    except msgspec.ValidationError as error:
        if _MISSING_CONTENT not in str(error):
            raise
        try:
            return _POINTS.decode(data).payload
        except msgspec.ValidationError as nested:
            raise (error if "`payload`" in str(nested) else nested) from None


def _fault(line: _Line) -> Fault | None:
    parts = line.path.split("/")
    if not line.content.strip():
        return Fault(SkipReason.EMPTY, "content is empty")
    if line.path and (_UNPRINTABLE.search(line.path) or "\\" in line.path or {"", ".", ".."} & set(parts)):
        return Fault(SkipReason.MALFORMED, f"path is {line.path!r}, not a relative one with / between names")
    if line.path and by_name(parts[-1]) is SkipReason.SECRET:
        return Fault(SkipReason.SECRET, line.path)
    if holds_private_key(line.content):
        return Fault(SkipReason.SECRET, "a private key")
    if line.end_line and line.end_line < (line.start_line or 1):
        return Fault(SkipReason.MALFORMED, f"end_line is {line.end_line}, before start_line")
    return None


def _chunk(line: _Line, number: int, name: str) -> Chunk:
    start = line.start_line or (1 if line.path else number)
    height = line.content.rstrip("\n").count("\n") if line.path else 0
    return Chunk(
        path=line.path or name,
        start_line=start,
        end_line=line.end_line or start + height,
        language=line.language.lower() or detect(line.path or name).name,
        content=line.content,
        symbol=line.symbol,
        signature=line.signature,
        defines=line.names,
    )
