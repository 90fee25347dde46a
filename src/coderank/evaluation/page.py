"""One self-contained page of HTML: no script, no font, no image and no style from elsewhere. Pure.

Readable on a phone, in light and dark, and on paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from coderank.evaluation import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coderank.evaluation.tables import Table

_LIGHT = (
    "--paper:#fcfcfb;--card:#ffffff;--ink:#1b1b19;--soft:#5f5e59;--line:#e3e2dc;"
    "--c1:#2a78d6;--c2:#d9591f;--c3:#128a5c;--c4:#a87400;--c5:#a4408f;--c6:#c0323f;--gain:#128a5c;--loss:#c0323f"
)
_DARK = (
    "--paper:#161615;--card:#1f1f1d;--ink:#f2f1ec;--soft:#a9a8a0;--line:#3a3a36;"
    "--c1:#5b9bea;--c2:#ee7f4b;--c3:#38b483;--c4:#d6a12c;--c5:#d184c1;--c6:#e8727c;--gain:#38b483;--loss:#e8727c"
)
_STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}}
main{{max-width:70rem;margin:0 auto;padding:1.25rem 1rem 4rem}}
h1{{font-size:1.5rem;line-height:1.25;margin:.5rem 0;overflow-wrap:anywhere}}
h2{{font-size:1.15rem;margin:2.25rem 0 .5rem}}
p{{max-width:46rem;margin:.5rem 0}}
.soft,figcaption,dt{{color:var(--soft)}}
.verdict{{font-weight:600;border-left:4px solid var(--line);padding:.25rem .75rem;margin:1rem 0}}
.verdict.good{{border-color:var(--gain)}}.verdict.bad{{border-color:var(--loss)}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0;font-size:.9rem}}
dd{{margin:0;overflow-wrap:anywhere}}
.scroll{{overflow-x:auto;margin:.75rem 0}}
table{{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}}
th,td{{padding:.3rem .9rem .3rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}}
td:first-child{{min-width:8rem}}
th{{color:var(--soft);font-weight:500}}
.n{{text-align:right}}td.n{{white-space:nowrap}}th{{max-width:11rem;overflow-wrap:break-word}}p{{overflow-wrap:anywhere}}
.figures{{columns:20rem 3;column-gap:1rem}}
figure{{margin:0 0 1rem;padding:.75rem;background:var(--card);border:1px solid var(--line);border-radius:8px;
 max-width:34rem;break-inside:avoid}}
figcaption{{font-size:.85rem;margin-bottom:.5rem}}
svg{{display:block;width:100%;height:auto}}
svg text{{fill:var(--ink);font:11px system-ui,sans-serif}}
svg text.m{{fill:var(--soft);font-size:10px}}
.grid{{stroke:var(--line);stroke-width:1}}
polyline{{fill:none;stroke-width:2}}
.again{{opacity:.55;stroke-dasharray:5 3}}
.gain{{fill:var(--gain)}}.loss{{fill:var(--loss)}}
{"".join(f".f{n}{{fill:var(--c{n})}}.s{n}{{stroke:var(--c{n})}}" for n in range(1, 7))}
.sides{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:.25rem 1.5rem}}
.sides ol{{margin:.25rem 0 1rem;padding-left:1.75rem;font-size:.875rem;overflow-wrap:anywhere}}
h3{{font-size:1rem;margin:1.25rem 0 .25rem;overflow-wrap:anywhere}}
mark{{background:none;color:var(--gain);font-weight:600}}
@media print{{:root{{color-scheme:light;{_LIGHT}}}body{{font-size:11pt;background:none}}
 main{{max-width:none;padding:0}}figure,tr,.sides{{break-inside:avoid}}h2,h3{{break-after:avoid}}
 .scroll{{overflow:visible}}table{{font-size:9pt}}th,td{{padding-right:.6rem}}}}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it: fragments of HTML, made by the functions of this package."""

    title: str
    parts: tuple[str, ...]


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Put a document together. ``lead`` is a fragment as well."""
    body = "".join(f"<section><h2>{escape(one.title)}</h2>{''.join(one.parts)}</section>" for one in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # Nothing may be fetched, whatever a query or a path in the page says.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>{lead}{body}</main></body></html>\n"
    )


def paragraph(text: str, *, soft: bool = False) -> str:
    """Return a paragraph of plain text."""
    return f"<p{' class=soft' if soft else ''}>{escape(text)}</p>"


def verdict(text: str, *, good: bool | None) -> str:
    """Return the one sentence that a reader came for; None where it is neither good nor bad."""
    kind = {True: " good", False: " bad", None: ""}[good]
    return f'<p class="verdict{kind}">{escape(text)}</p>'


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a list of what is what."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"


def table(one: Table) -> str:
    """Return a table."""
    return tables.html(one)


def figures(*pairs: tuple[str, str]) -> str:
    """Return plots beside one another, each below its caption: pairs of caption and SVG."""
    inner = "".join(f"<figure><figcaption>{escape(text)}</figcaption>{svg}</figure>" for text, svg in pairs)
    return f'<div class="figures">{inner}</div>'


def side_by_side(title: str, columns: Sequence[tuple[str, Sequence[tuple[str, bool]]]]) -> str:
    """Return ranked lists beside one another; each has a name, and lines of which those that count are marked."""
    lists = "".join(
        f"<div><span class=soft>{escape(name)}</span><ol>{''.join(map(_line, rows)) or '<li>nothing</li>'}</ol></div>"
        for name, rows in columns
    )
    return f'<h3>{escape(title)}</h3><div class="sides">{lists}</div>'


def _line(row: tuple[str, bool]) -> str:
    text, counts = row
    return f"<li>{f'<mark>{escape(text)} ✓</mark>' if counts else escape(text)}</li>"
