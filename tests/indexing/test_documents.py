from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from coderank.corpus import conversion
from coderank.errors import PathNotFoundError
from coderank.indexing.documents import DocumentTree
from coderank.indexing.tree import Content
from coderank.types import Chunk, Skip, SkipReason

has_docling = pytest.mark.skipif(bool(conversion.missing()), reason="needs coderank[documents]")
HTML = b"""<html><head><script>fetch("https://example.org")</script></head><body><h1>Guide</h1><p>Welcome.</p>
<h2>Signing in</h2><p>Use a password_of_yours, which nobody else knows: it opens everything.</p>
<img src="https://example.org/x.png"></body></html>"""
PDF = (
    b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n"
)


def pdf(content: bytes) -> bytes:
    return PDF % (len(content), content)


def chunks(tree: DocumentTree) -> dict[str, list[Chunk]]:
    found = {entry.path: tree.read(entry) for entry in tree.entries().files}
    return {path: one.cut() for path, one in found.items() if isinstance(one, Content)}


def skips(tree: DocumentTree) -> dict[str, Skip]:
    found = {entry.path: tree.read(entry) for entry in tree.entries().files}
    return {path: one for path, one in found.items() if isinstance(one, Skip)}


def test_text_is_cut_by_heading_and_code_is_no_document(tmp_path: Path) -> None:
    long = "A sentence that says something of its own, again and again. " * 12
    (tmp_path / "guide.md").write_text(f"# Guide\n\n{long}\n\n## Signing in\n\n{long}\n")
    (tmp_path / "notes.rst").write_text("Notes\n=====\n\nSome text.\n")
    (tmp_path / "tool.py").write_text("x = 1\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / ".env.txt").write_text("PASSWORD=x")
    (tmp_path / ".gitignore").write_text("draft.md\n")
    (tmp_path / "draft.md").write_text("# Draft\n")
    tree = DocumentTree(tmp_path)
    found = chunks(tree)
    assert set(found) == {"guide.md", "notes.rst"}
    assert [chunk.symbol for chunk in found["guide.md"]] == ["Guide", "Guide > Signing in"]
    assert [(skip.path, skip.reason) for skip in tree.entries().skips] == [(".env.txt", SkipReason.SECRET)]
    assert tree.text("notes.rst") == "Notes\n=====\n\nSome text.\n"


def test_a_single_document_is_a_tree(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("# Guide\n")
    assert list(chunks(DocumentTree(tmp_path / "guide.md"))) == ["guide.md"]
    with pytest.raises(PathNotFoundError):
        DocumentTree(tmp_path / "absent").entries()


def test_without_docling_the_remedy_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "docling" else find(name))
    (tmp_path / "guide.html").write_bytes(HTML)
    (skip,) = skips(DocumentTree(tmp_path)).values()
    # Of this reason, since it is looked at again before every search, not only once the file changes.
    assert skip.reason is SkipReason.UNREADABLE
    assert "pip install 'coderank[documents]'" in skip.detail


@has_docling
class TestConversion:
    def test_html_and_word_keep_their_headings(self, tmp_path: Path) -> None:
        docx = pytest.importorskip("docx")
        (tmp_path / "guide.html").write_bytes(HTML)
        word = docx.Document()
        word.add_heading("Handbook", 1)
        word.add_paragraph("Reset a password by mail, which takes a minute or two, as everything does.")
        word.save(str(tmp_path / "book.DOCX"))
        tree = DocumentTree(tmp_path)
        found = chunks(tree)
        (page,) = found["guide.html"]
        assert "# Guide" in page.content
        assert "password_of_yours" in page.content
        assert "fetch" not in page.content
        (section,) = found["book.DOCX"]
        assert (section.symbol, section.language) == ("Handbook", "markdown")
        assert tree.text("guide.html") is None

    def test_a_pdf_is_cut_by_page(self, tmp_path: Path) -> None:
        text = b"BT /F1 24 Tf 72 700 Td (Annual report) Tj 0 -40 Td (How the password service earned money) Tj ET"
        (tmp_path / "report.pdf").write_bytes(pdf(text))
        ((page,),) = chunks(DocumentTree(tmp_path)).values()
        assert page.symbol == "Page 1"
        assert page.content.splitlines()[-2:] == ["Annual report", "How the password service earned money"]

    @pytest.mark.parametrize(
        ("name", "data", "detail"),
        [
            ("scan.pdf", pdf(b"0 0 10 10 re f"), "no text in it"),
            ("broken.pdf", b"%PDF-1.4 garbage", "it is damaged"),
            ("broken.docx", b"PK garbage", "it is damaged"),
            ("empty.html", b"<html></html>", "no text in it"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, tmp_path: Path, name: str, data: bytes, detail: str) -> None:
        (tmp_path / name).write_bytes(data)
        (skip,) = skips(DocumentTree(tmp_path)).values()
        assert skip.reason is SkipReason.MALFORMED
        assert detail in skip.detail

    def test_a_key_stays_out(self, tmp_path: Path) -> None:
        (tmp_path / "key.html").write_bytes(b"<p>-----BEGIN RSA PRIVATE KEY-----</p>")
        (skip,) = skips(DocumentTree(tmp_path)).values()
        assert skip.reason is SkipReason.SECRET
