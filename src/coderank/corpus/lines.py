"""Lines of a file and how much text they hold; windows over lines where nothing is known of the syntax."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple


class Rows(NamedTuple):
    """A run of lines: 0-based first line and the line after the last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one text with running totals of their weight.

    The weight of a line is its length without indentation and trailing blanks, so that deep nesting costs nothing.
    """

    lines: tuple[str, ...]
    totals: tuple[int, ...]
    """``totals[i]`` is the weight of the first ``i`` lines."""

    @classmethod
    def of(cls, text: str) -> Lines:
        """Split at newlines only; the newline that ends the last line starts no further line."""
        lines = text.removesuffix("\n").split("\n")
        return cls(tuple(lines), (0, *accumulate(len(line.strip()) for line in lines)))

    def __len__(self) -> int:
        return len(self.lines)

    def weight(self, rows: Rows) -> int:
        """Count the characters of these lines."""
        return self.totals[rows.end] - self.totals[rows.start]

    def text(self, rows: Rows) -> str:
        """Return these lines as they stand in the file, without the last newline."""
        return "\n".join(self.lines[rows.start : rows.end])

    def is_blank(self, row: int) -> bool:
        """Tell whether a line holds nothing but white space."""
        return self.totals[row] == self.totals[row + 1]

    def last_full(self, rows: Rows) -> int:
        """Return the last line of the run that is not blank, or the first line when all are."""
        row = rows.end - 1
        while row > rows.start and self.is_blank(row):
            row -= 1
        return row


def windows(lines: Lines, rows: Rows, limit: int) -> list[Rows]:
    """Cut a run of lines into windows of at most ``limit`` characters, at blank lines where the window allows.

    A single line over the limit is a window of its own: lines are never cut.
    """
    result: list[Rows] = []
    start = rows.start
    while start < rows.end:
        end = _cut(lines, Rows(start, rows.end), limit)
        result.append(Rows(start, end))
        start = end
    return result


def _cut(lines: Lines, rows: Rows, limit: int) -> int:
    end, paragraph = rows.start + 1, 0
    while end < rows.end and lines.weight(Rows(rows.start, end + 1)) <= limit:
        if lines.is_blank(end - 1) and lines.weight(Rows(rows.start, end)) * 2 >= limit:
            paragraph = end
        end += 1
    return end if end == rows.end or not paragraph else paragraph
