"""PDF, HTML and Word as Markdown, by docling's readers that need no model. The only door to docling."""

from __future__ import annotations

import importlib.util
import logging
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL = "pip install 'coderank[documents]'"
NO_TEXT = "no text in it: pages that were scanned would have to be recognised first"
_NEEDED = ("docling", "bs4", "docx", "pypdfium2")


class ConversionError(Exception):
    """A document that cannot be read; the text says why, in a few words."""


def missing() -> str:
    """Say what conversion lacks here; empty if nothing."""
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    return f"reading it needs {INSTALL}" if absent else ""


def to_markdown(suffix: str, data: bytes) -> str:
    """Convert a document to Markdown; ``suffix`` is one of CONVERTERS.

    Nothing that a document names is fetched. Of a PDF, the text of each page stands under its number, line by line:
    columns and tables are not recognised.

    Raises:
        ConversionError: it cannot be read, or has no text.
    """
    logging.getLogger("docling").setLevel(logging.ERROR)  # what matters comes back as an error
    try:
        text = CONVERTERS[suffix](data)
    except ConversionError:
        raise
    except Exception as error:
        raise ConversionError(f"{type(error).__name__}: {error}") from error
    if not text.strip():
        raise ConversionError(NO_TEXT)
    return text


def _html(data: bytes) -> str:
    from docling.backend.html_backend import HTMLDocumentBackend  # noqa: PLC0415 - seconds to import
    from docling.datamodel.base_models import InputFormat  # noqa: PLC0415

    return _declared(data, InputFormat.HTML, HTMLDocumentBackend)


def _docx(data: bytes) -> str:
    from docling.backend.msword_backend import MsWordDocumentBackend  # noqa: PLC0415 - seconds to import
    from docling.datamodel.base_models import InputFormat  # noqa: PLC0415

    return _declared(data, InputFormat.DOCX, MsWordDocumentBackend)


def _declared(data: bytes, kind: Any, backend: Any) -> str:
    reader = _opened(data, kind, backend)
    try:
        return str(reader.convert().export_to_markdown(escape_underscores=False, image_placeholder=""))
    finally:
        reader.unload()


def _pdf(data: bytes) -> str:
    from docling.backend.pypdfium2_backend import PyPdfiumDocumentBackend  # noqa: PLC0415 - seconds to import
    from docling.datamodel.base_models import InputFormat  # noqa: PLC0415

    reader = _opened(data, InputFormat.PDF, PyPdfiumDocumentBackend)
    try:
        pages = [_lines_of(reader.load_page(number)) for number in range(reader.page_count())]
    finally:
        reader.unload()
    return "\n\n".join(f"# Page {number}\n\n{text}" for number, text in enumerate(pages, 1) if text.strip())


def _lines_of(page: Any) -> str:
    try:
        return "\n".join(cell.text for cell in page.get_text_cells())
    finally:
        page.unload()


def _opened(data: bytes, kind: Any, backend: Any) -> Any:
    from docling.datamodel.document import InputDocument  # noqa: PLC0415 - seconds to import

    # Its converter does the same, and imports torch for the formats that need a model.
    document = InputDocument(path_or_stream=BytesIO(data), format=kind, backend=backend, filename=f"file.{kind.value}")
    if not document.valid:
        raise ConversionError("it is damaged, protected by a password, or of another format than its name says")
    return document._backend


CONVERTERS: dict[str, Callable[[bytes], str]] = {
    ".pdf": _pdf,
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".docx": _docx,
}
