"""Tables for people: as text for a terminal, as Markdown, and as HTML. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = "  "
_NUMBER = re.compile(r"[-+±≤≥<>]?[\d.,]+\s?(%|×|ms|s|µs|KiB|MiB|GiB|B|h|min)?( \[.*\])?|–|-|")
"""What is set flush right: a column all of whose cells are numbers, with or without a unit."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people; every cell is written already."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]

    def record(self) -> dict[str, object]:
        """Return it for JSON."""
        return {"title": self.title, "columns": list(self.columns), "rows": [list(row) for row in self.rows]}

    def numeric(self) -> list[bool]:
        """Tell of each column whether it holds numbers."""
        return [
            bool(self.rows) and all(_NUMBER.fullmatch(row[column]) for row in self.rows)
            for column in range(len(self.columns))
        ]


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render one table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def lines(table: Table, width: int | None = None) -> Iterator[str]:
    """Yield a table as text, columns aligned; one that is wider than ``width`` becomes a block of lines a row.

    A line is never cut, so that every figure can be read at any width. None: a width without an end.
    """
    widths = [
        max(len(column), *(len(row[n]) for row in table.rows), 0) if table.rows else len(column)
        for n, column in enumerate(table.columns)
    ]
    if width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        yield from _stacked(table)
        return
    right = table.numeric()
    for row in (table.columns, *table.rows):
        cells = [f"{cell:>{widths[n]}}" if right[n] else f"{cell:<{widths[n]}}" for n, cell in enumerate(row)]
        yield _GAP.join(cells).rstrip()


def _stacked(table: Table) -> Iterator[str]:
    label = max(map(len, table.columns[1:]), default=0)
    for row in table.rows:
        yield row[0]
        yield from (
            f"  {name:<{label}}  {cell}".rstrip() for name, cell in zip(table.columns[1:], row[1:], strict=True)
        )


def html(table: Table) -> str:
    """Render a table as HTML, in a box that scrolls sideways where the screen is narrow."""
    right = table.numeric()
    head = "".join(_cell("th", name, right=right[n]) for n, name in enumerate(table.columns))
    body = "".join(
        f"<tr>{''.join(_cell('td', cell, right=right[n]) for n, cell in enumerate(row))}</tr>" for row in table.rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(tag: str, text: str, *, right: bool) -> str:
    return f"<{tag}{' class=n' if right else ''}>{escape(text)}</{tag}>"
