"""Hits in colour, cut to the width of the screen. Imported only when standard output is a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from coderank.render import excerpts, number_width, numbered

if TYPE_CHECKING:
    from coderank.render import Excerpt
    from coderank.types import SearchResult

_LEXERS = {"restructuredtext": "rst", "text": "", "jsx": "javascript"}
"""Languages that pygments knows by another name, or not at all."""
_THEME = "ansi_dark"
"""Uses the terminal's own sixteen colours, so it is readable on any background the user chose."""
_TAB = 4


def show(result: SearchResult) -> None:
    """Print every hit to standard output; one line of code is one line on the screen."""
    console = Console(highlight=False)
    for rank, shown in enumerate(excerpts(result)):
        if rank:
            console.print()
        _show_excerpt(console, shown)


def note(text: str) -> None:
    """Print a dim remark to standard error."""
    Console(stderr=True, highlight=False).print(Text(text, style="dim"), soft_wrap=True)


def _show_excerpt(console: Console, shown: Excerpt) -> None:
    console.print(_header(shown, console.width), soft_wrap=True)
    code = _highlighted(shown)
    matching = {str(line.number) for line in shown.lines if line.matches}
    width = number_width(shown)
    for number, _ in numbered(shown):
        style = "bold yellow" if number in matching else "dim"
        line = Text.assemble((f"{number:>{width}}  ", style), code.get(number, ""))
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)


def _header(shown: Excerpt, width: int) -> Text:
    """The path is never cut, so that it can be copied; symbol and score give way to it."""
    text = Text.assemble((shown.path, "bold cyan"), (f":{shown.span}", "green"))
    for part, style in ((shown.symbol, "bold"), (shown.score, "dim")):
        if part and text.cell_len + len(part) + 2 <= width:
            text.append("  ").append(part, style)
    return text


def _highlighted(shown: Excerpt) -> dict[str, Text]:
    """The lines to show in colour, by their number."""
    source = "\n".join(shown.source)
    lexer = _LEXERS.get(shown.language, shown.language)
    syntax = Syntax(source, lexer, theme=_THEME, background_color="default")
    lines = syntax.highlight(source).split("\n", allow_blank=True)
    first = shown.first_line
    return {str(line.number): _trimmed(lines[line.number - first]) for line in shown.lines}


def _trimmed(line: Text) -> Text:
    line.expand_tabs(_TAB)
    line.rstrip()
    return line
