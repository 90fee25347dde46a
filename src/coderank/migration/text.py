"""What a model is to read of a point: from its payload, or from the file that it is of, if that is unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coderank.corpus.header import dense_text
from coderank.corpus.identity import point_ids, vector_key
from coderank.errors import IndexCorruptError
from coderank.store.payload import from_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coderank.store.raw import RawPoint
    from coderank.types import Chunk

_CONTENT = "content"


class NoTextError(Exception):
    """There is nothing to embed for a point; the message says why."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is embedded, and under which key its vector is kept for other points; empty for none."""

    text: str
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class ChunkTexts:
    """Reads points that coderank wrote. A payload without content is made whole from the file it names."""

    file: Callable[[str], str | None] = lambda _: None
    """Gives the text of a file as it is now by the path in the payload; None where there is none to be read."""

    def of(self, point: RawPoint) -> Text:
        """Give the text of a point. Raises NoTextError."""
        try:
            chunk = from_payload(point.payload)
        except IndexCorruptError:
            chunk = self._from_disk(point)
        return Text(dense_text(chunk), vector_key(chunk))

    def _from_disk(self, point: RawPoint) -> Chunk:
        try:
            bare = from_payload({**point.payload, _CONTENT: ""})
        except IndexCorruptError as error:
            raise NoTextError(f"neither text nor place: {error.message}") from error
        chunk = replace(bare, content=self._lines(bare.path, bare.start_line, bare.end_line))
        # The id is a hash of the content, among others: what was read is what was indexed, or it is not used.
        if str(point.id) not in _ids(chunk):
            raise NoTextError(f"{chunk.path}:{chunk.start_line}-{chunk.end_line} changed since it was indexed")
        return chunk

    def _lines(self, path: str, first: int, last: int) -> str:
        text = self.file(path)
        if text is None:
            raise NoTextError(f"it has no content, and {path} cannot be read")
        return "\n".join(text.split("\n")[first - 1 : last])


@dataclass(frozen=True, slots=True)
class FieldTexts:
    """Reads points that another program wrote, by the dotted name of the field that holds the text."""

    field: str

    def of(self, point: RawPoint) -> Text:
        """Give the text of a point. Raises NoTextError."""
        value = value_at(point.payload, self.field)
        if not isinstance(value, str) or not value.strip():
            raise NoTextError(f"its field {self.field!r} holds no text")
        return Text(value)


def value_at(payload: Mapping[str, Any], field: str) -> object:
    """Look up a dotted name in a payload; None where it leads nowhere."""
    value: object = payload
    for name in field.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _ids(chunk: Chunk) -> set[str]:
    """Ids of the chunk, as the first or a later one of its kind in its file."""
    return set(point_ids([chunk] * 16))
