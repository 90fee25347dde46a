"""Plots as inline SVG, drawn for the width of a phone, coloured by the page that holds them. Pure.

Small functions of our own: a report must be one file without a script, and a plotting library would be the largest
dependency of the package. Every mark carries its value as a tooltip, and every plot stands beside a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 360
"""Units across, as many as a phone has pixels: text keeps its size there, and grows a little on a desk."""
COLOURS = 6
"""Colours of the page; further series repeat them dashed."""
_LETTER = 5.9
"""Mean width of a letter of 11 units."""
_LINE = 15
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one name, in the order they are joined; ``labels`` name single points."""

    name: str
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """What a direction shows. ``low`` and ``high`` widen the range of the data to at least these."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None

    def range(self, values: Sequence[float]) -> tuple[float, float]:
        """Return the ends: whole decades of a logarithmic axis, else a little more than the values."""
        given = [value for value in (*values, self.low, self.high) if value is not None]
        low, high = min(given), max(given)
        if self.log:
            return 10.0 ** floor(log10(low)), 10.0 ** max(ceil(log10(high)), floor(log10(low)) + 1)
        if high == low:
            return low - 0.5, high + 0.5
        return low, high

    def ticks(self, low: float, high: float) -> list[float]:
        """Return round values between the ends."""
        if self.log:
            return [10.0**power for power in range(round(log10(low)), round(log10(high)) + 1)]
        step = _round_step((high - low) / _TICKS)
        first = ceil(low / step - 1e-9)
        return [number * step for number in range(first, floor(high / step + 1e-9) + 1)]

    def share(self, value: float, low: float, high: float) -> float:
        """Return where a value lies between the ends, from 0 to 1."""
        if self.log:
            return (log10(value) - log10(low)) / (log10(high) - log10(low))
        return (value - low) / (high - low)


def _round_step(rough: float) -> float:
    size = 10.0 ** floor(log10(rough))
    return next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough * (1 - 1e-9))


def number(value: float) -> str:
    """Write a number for an axis or a tooltip: short, and never in powers of ten."""
    if value == 0:
        return "0"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def bars(rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], axis: Axis) -> str:
    """Draw a group of horizontal bars a row, one for every name."""
    low, high = axis.range([0.0, *(value for _, values in rows for value in values)])
    left = min(150.0, 8 + _LETTER * max((len(label) for label, _ in rows), default=0))
    scale = WIDTH - left - 38
    thick, gap = 11.0, 9.0
    written = number if high > 1 else "{:.3f}".format
    marks, y = [], 4.0
    for label, values in rows:
        block = thick * len(values)
        marks.append(_text(left - 6, y + block / 2 + 4, _shortened(label, left), anchor="end"))
        for n, value in enumerate(values):
            start, end = sorted((axis.share(0.0, low, high), axis.share(value, low, high)))
            tip = f"{label}, {names[n]}: {value:.3f}" if len(names) > 1 else f"{label}: {value:.3f}"
            marks.append(_rect(left + start * scale, y, max((end - start) * scale, 0.5), thick - 1.5, n, tip))
            marks.append(_text(left + end * scale + 4, y + 8.5, written(value), small=True))
            y += thick
        y += gap
    legend, extra = _legend(names, y) if len(names) > 1 else ("", 0.0)
    return _svg("".join(marks) + legend, y + extra, axis.label)


def waterfall(stages: Sequence[tuple[str, float]], unit: str = "ms") -> str:
    """Draw stages that follow one another, each from where the one before ended."""
    total = sum(value for _, value in stages) or 1.0
    left = 8 + _LETTER * max(len(name) for name, _ in stages)
    scale = WIDTH - left - 56
    marks, y, done = [], 4.0, 0.0
    for name, value in stages:
        x, wide = left + done / total * scale, max(value / total * scale, 1.0)
        marks.append(_text(left - 6, y + 12, name, anchor="end"))
        marks.append(_rect(x, y, wide, 16, 0, f"{name}: {value:.3g} {unit}"))
        marks.append(_text(x + wide + 4, y + 12, f"{value:.3g} {unit}", small=True))
        done += value
        y += 22
    return _svg("".join(marks), y, f"stages one after the other, {unit}")


def differences(values: Sequence[tuple[str, float]], label: str) -> str:
    """Draw a thin bar for every query, sorted from the largest gain to the largest loss."""
    ordered = sorted(values, key=lambda item: -item[1])
    left, top, high_px = 34.0, 8.0, 150.0
    scale = (WIDTH - left - 6) / max(len(ordered), 1)
    reach = max((abs(value) for _, value in ordered), default=0.0) or 1.0
    middle = top + high_px / 2
    marks = [_grid_line(left, middle, value / reach * high_px / 2, value) for value in (-reach, 0.0, reach)]
    for n, (name, value) in enumerate(ordered):
        if value:
            size = abs(value) / reach * high_px / 2
            y = middle - size if value > 0 else middle
            colour = "gain" if value > 0 else "loss"
            tip = f"<title>{escape(name)}: {value:+.3f}</title>"
            marks.append(
                f'<rect class="{colour}" x="{left + n * scale:.2f}" y="{y:.2f}" width="{max(scale * 0.8, 0.4):.2f}" '
                f'height="{size:.2f}">{tip}</rect>'
            )
    marks.append(_text(left, top + high_px + 16, f"{len(ordered)} questions, best first", small=True))
    return _svg("".join(marks), top + high_px + 22, label)


def _grid_line(left: float, middle: float, offset: float, value: float) -> str:
    y = middle - offset
    line = f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{WIDTH - 6}" y2="{y:.1f}"/>'
    return line + _text(left - 4, y + 4, f"{value:+.2g}" if value else "0", anchor="end", small=True)


def lines(series: Sequence[Series], x: Axis, y: Axis, *, joined: bool = True) -> str:
    """Draw series over two axes: growth on logarithmic ones, or a frontier of recall and latency."""
    frame = _Frame(series, x, y)
    marks = [*frame.axes(), *(mark for n, one in enumerate(series) for mark in frame.series(n, one, joined=joined))]
    legend, extra = _legend([one.name for one in series], frame.bottom + 34) if len(series) > 1 else ("", 0.0)
    return _svg("".join(marks) + legend, frame.bottom + 34 + extra, f"{y.label} over {x.label}")


class _Frame:
    """The rectangle of a plot and its two scales."""

    def __init__(self, series: Sequence[Series], x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self.left, self.right, self.top, self.bottom = 44.0, WIDTH - 12.0, 20.0, 210.0
        self.x_low, self.x_high = x.range([point[0] for one in series for point in one.points])
        self.y_low, self.y_high = y.range([point[1] for one in series for point in one.points])

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        """Return where a point is drawn."""
        across = self.x.share(point[0], self.x_low, self.x_high)
        up = self.y.share(point[1], self.y_low, self.y_high)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def axes(self) -> Iterator[str]:
        """Yield grid, ticks and labels."""
        for value in self.y.ticks(self.y_low, self.y_high):
            _, y = self.at((self.x_low, value))
            yield f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}"/>'
            yield _text(self.left - 5, y + 4, number(value), anchor="end", small=True)
        for value in self.x.ticks(self.x_low, self.x_high):
            x, _ = self.at((value, self.y_low))
            yield f'<line class="grid" x1="{x:.1f}" y1="{self.top}" x2="{x:.1f}" y2="{self.bottom}"/>'
            yield _text(x, self.bottom + 14, number(value), anchor="middle", small=True)
        yield _text(self.right, self.bottom + 28, self.x.label, anchor="end", small=True)
        yield _text(2, 12, self.y.label, small=True)

    def series(self, n: int, one: Series, *, joined: bool) -> Iterator[str]:
        """Yield a line and its points."""
        places = [self.at(point) for point in one.points]
        if joined and len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline class="{_colour("s", n)}" points="{path}"/>'
        for k, ((x, y), (px, py)) in enumerate(zip(one.points, places, strict=True)):
            label = one.labels[k] if k < len(one.labels) else ""
            tip = f"{one.name}{' ' + label if label else ''}: {number(x)}, {number(y)}"
            place = f'class="{_colour("f", n)}" cx="{px:.1f}" cy="{py:.1f}" r="4"'
            yield f"<circle {place}><title>{escape(tip)}</title></circle>"
            if label:
                anchor = "end" if px > (self.left + self.right) / 2 else "start"
                yield _text(px + (-7 if anchor == "end" else 7), py - 6, label, anchor=anchor, small=True)


def _legend(names: Sequence[str], top: float) -> tuple[str, float]:
    """Draw the names of the colours in rows; return them and their height."""
    marks, x, y = [], 4.0, top + 10
    for n, name in enumerate(names):
        wide = 30 + _LETTER * len(name)
        if x > 4 and x + wide > WIDTH:
            x, y = 4.0, y + _LINE
        marks.append(f'<rect class="{_colour("f", n)}" x="{x:.1f}" y="{y - 8:.1f}" width="10" height="10" rx="2"/>')
        marks.append(_text(x + 14, y + 1, name))
        x += wide
    return "".join(marks), y - top + 8


def _colour(kind: str, n: int) -> str:
    return f"{kind}{n % COLOURS + 1}{' again' if n >= COLOURS else ''}"


def _shortened(label: str, room: float) -> str:
    letters = int((room - 8) / _LETTER)
    return label if len(label) <= letters else f"{label[: letters - 1]}…"


def _rect(x: float, y: float, width: float, height: float, colour: int, tip: str) -> str:
    place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" rx="2"'
    return f'<rect class="{_colour("f", colour)}" {place}><title>{escape(tip)}</title></rect>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", small: bool = False) -> str:
    kind = ' class="m"' if small else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(content: str, height: float, label: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )
