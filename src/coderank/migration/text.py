"""What a model is to read of a point: from its payload, or from the file that it is of, if that is unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coderank.corpus.header import dense_text
from coderank.corpus.identity import point_ids, vector_key
from coderank.errors import IndexCorruptError
from coderank.store.adopt import fields_for, text_of
from coderank.store.payload import NAMES, PATH, START_LINE, from_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coderank.store.adopt import Fields
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
    """Reads points that another program wrote, by the fields that hold the text."""

    fields: Fields

    def of(self, point: RawPoint) -> Text:
        """Give the text of a point. Raises NoTextError."""
        text = text_of(point.payload, self.fields)
        if not text.strip():
            raise NoTextError(f"there is no text in {' or '.join(self.fields.text)}")
        return Text(text)


def texts_of(
    payloads: Sequence[Mapping[str, Any]],
    wanted: Fields | str | None,
    name: str,
    file: Callable[[str], str | None] = lambda _: None,
) -> ChunkTexts | FieldTexts:
    """Choose how to read points like these: as coderank's own, or as ``wanted`` or a preset that fits says.

    Raises what `coderank.store.adopt.fields_for` raises.
    """
    if not payloads or (wanted is None and are_ours(payloads)):
        return ChunkTexts(file)
    return FieldTexts(fields_for(payloads, wanted, name))


def are_ours(payloads: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether payloads are those of coderank's own chunks."""
    return all({PATH, START_LINE, NAMES} <= payload.keys() for payload in payloads)


def _ids(chunk: Chunk) -> set[str]:
    """Ids of the chunk, as the first or a later one of its kind in its file."""
    return set(point_ids([chunk] * 16))
