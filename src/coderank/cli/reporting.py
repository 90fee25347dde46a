"""Writes reports: tables to the width of the terminal, documents to files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from coderank.cli.model_table import screen_width
from coderank.errors import CoderankError
from coderank.evaluation.tables import lines
from coderank.render import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from coderank.evaluation.tables import Table


def write_tables(found: Iterable[Table], sentences: Sequence[str], notes: Sequence[str]) -> None:
    """Print tables, then what they come to; what was not as it should be goes to standard error."""
    width = screen_width()
    for number, table in enumerate(found):
        sys.stdout.write(f"{'' if number == 0 else chr(10)}{visible(table.title)}\n\n")
        sys.stdout.writelines(f"{visible(line)}\n" for line in lines(table, width))
    if sentences:
        sys.stdout.write("\n" + "".join(f"{visible(sentence)}\n" for sentence in sentences))
    sys.stdout.flush()
    for note in notes:
        click.echo(f"note: {visible(note)}", err=True)


def write_file(file: Path, text: str) -> None:
    """Write a document, its folder included. Raises CoderankError where that cannot be done."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", "backslashreplace")
    except OSError as error:
        raise CoderankError(f"Cannot write {file}: {error.strerror}", "Name another folder with --out") from error
