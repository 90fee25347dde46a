"""Documentation: files of text as they are, and PDF, HTML and Word converted to it."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from coderank.corpus.conversion import CONVERTERS, ConversionError, missing, to_markdown
from coderank.corpus.languages import by_name
from coderank.corpus.prose import chunk_prose
from coderank.corpus.read import DETAIL_CHARS, DIGEST_BYTES, SourceText, holds_private_key, locate
from coderank.corpus.regular import read_regular
from coderank.corpus.walk import MAX_FILE_BYTES
from coderank.types import Skip, SkipReason

if TYPE_CHECKING:
    from pathlib import Path

    from coderank.types import Chunk, FileEntry

TEXTS = (".md", ".markdown", ".mdx", ".rst", ".txt", ".text", ".adoc", ".asciidoc", ".org", ".tex")
MAX_CONVERTED_BYTES = 64 << 20
"""Books with pictures have this much; their text is a hundredth of it."""
KINDS = dict.fromkeys(TEXTS, MAX_FILE_BYTES) | dict.fromkeys(CONVERTERS, MAX_CONVERTED_BYTES)
"""The suffixes of documents, and the most bytes of each."""


def is_converted(path: str) -> bool:
    """Tell whether a document has to be converted, so that its lines are not those of the file."""
    return PurePosixPath(path).suffix.lower() in CONVERTERS


def convert(root: Path, entry: FileEntry) -> SourceText | Skip:
    """Read and convert a listed document; a Skip says why it is left out."""
    if lacking := missing():
        return Skip(entry.path, SkipReason.UNREADABLE, lacking)
    place = locate(root, entry.path)
    if place is None:
        return Skip(entry.path, SkipReason.OUTSIDE_ROOT)
    try:
        data = read_regular(place, MAX_CONVERTED_BYTES + 1)
        text = to_markdown(place.suffix.lower(), data)
    except OSError as error:
        return Skip(entry.path, SkipReason.UNREADABLE, error.strerror or str(error))
    except ConversionError as error:
        return Skip(entry.path, SkipReason.MALFORMED, " ".join(str(error).split())[:DETAIL_CHARS])
    if holds_private_key(text):
        return Skip(entry.path, SkipReason.SECRET, "a private key")
    return SourceText(text, blake2b(data, digest_size=DIGEST_BYTES).hexdigest())


def cut(path: str, text: str) -> list[Chunk]:
    """Cut a converted document at its headings. Lines are those of the converted text."""
    markdown = by_name("markdown")
    assert markdown is not None
    return chunk_prose(path, text, markdown)
