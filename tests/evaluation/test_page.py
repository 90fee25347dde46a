"""The page: one file, nothing fetched, well formed, and safe against what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from coderank.evaluation import page, plots
from coderank.evaluation.page import Section
from coderank.evaluation.plots import Axis, Series
from coderank.evaluation.tables import Table

HOSTILE = '"><script>alert(1)</script><img src=x onerror=y>&'
GROWTH = Axis("chunks", log=True)


class Outline(HTMLParser):
    """Checks that tags are closed in order, and collects them."""

    VOID = ("meta", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def written() -> str:
    series = [Series(HOSTILE, ((1e4, 2.0), (1e6, 30.0)), labels=(HOSTILE,))]
    return page.page(
        HOSTILE,
        page.verdict(HOSTILE, good=True) + page.facts([(HOSTILE, HOSTILE)]),
        [
            Section(HOSTILE, (page.table(Table(HOSTILE, (HOSTILE,), [[HOSTILE]])), page.paragraph(HOSTILE, soft=True))),
            Section("plots", (page.figures((HOSTILE, plots.lines(series, GROWTH, Axis(HOSTILE)))),)),
            Section("sides", (page.side_by_side(HOSTILE, [(HOSTILE, [(HOSTILE, True), ("b", False)]), ("none", [])]),)),
        ],
    )


def test_no_column_is_narrower_than_a_word_of_its_head() -> None:
    # `anywhere` lets a browser shrink a column to one letter, and "worse" then stands in five lines.
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", written())
    assert [style for name, style in rules if name.split(",")[-1].strip() == "th" and "overflow-wrap" in style] == [
        "max-width:11rem;overflow-wrap:break-word"
    ]


def test_the_page_is_well_formed_and_shows_hostile_text_as_text() -> None:
    outline = Outline()
    outline.feed(written())
    outline.close()
    assert not outline.open
    assert not {"script", "img", "link", "iframe", "object"} & set(outline.seen)


def test_the_page_asks_for_nothing() -> None:
    addresses = set(re.findall(r"https?://[^\"'\s<]+", written()))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "url(" not in written()
    assert "default-src 'none'" in written()


def test_the_page_fits_phones_dark_rooms_and_paper() -> None:
    assert "width=device-width" in written()
    assert "prefers-color-scheme:dark" in written()
    assert "@media print" in written()


@pytest.mark.parametrize(
    "svg",
    [
        plots.bars([("go", (0.5, 0.7)), (HOSTILE, (0.1, 1.0))], ("before", "after"), Axis("nDCG@10", high=1.0)),
        plots.bars([("loss", (-0.5,))], ("one",), Axis("difference")),
        plots.bars([], (), Axis("nothing")),
        plots.waterfall([("embed", 4.0), ("retrieve", 2.5), (HOSTILE, 0.0)]),
        plots.differences([("a", 0.5), ("b", -0.25), ("c", 0.0)], "by query"),
        plots.differences([], "none"),
        plots.lines([Series("one", ((10.0, 1.0),))], GROWTH, Axis("ms")),
        plots.lines([Series(str(n), ((1.0, n), (2.0, n))) for n in range(8)], Axis("x"), Axis("y"), joined=False),
    ],
    ids=["bars", "negative", "no bars", "waterfall", "differences", "no differences", "one point", "many series"],
)
def test_every_plot_is_xml_within_its_frame(svg: str) -> None:
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for mark in root.iter():
        for name, end in (("x", width), ("cx", width), ("y", height), ("cy", height)):
            assert 0 <= float(mark.attrib.get(name, 0)) <= end, ET.tostring(mark)
        for name in ("width", "height"):
            assert mark is root or float(mark.attrib.get(name, 0)) >= 0


def test_bars_are_as_long_as_their_values() -> None:
    root = ET.fromstring(plots.bars([("a", (0.25,)), ("b", (0.5,))], ("one",), Axis("share", high=1.0)))
    first, second = (float(bar.attrib["width"]) for bar in root.iter() if bar.tag.endswith("rect"))
    assert second == pytest.approx(2 * first, abs=0.02)


def test_gains_point_up_and_losses_down() -> None:
    root = ET.fromstring(plots.differences([("won", 0.5), ("lost", -0.5), ("same", 0.0)], "by query"))
    bars = {bar.attrib["class"]: bar for bar in root.iter() if bar.tag.endswith("rect")}
    assert bars.keys() == {"gain", "loss"}
    gain, loss = float(bars["gain"].attrib["y"]), float(bars["loss"].attrib["y"])
    assert gain + float(bars["gain"].attrib["height"]) == pytest.approx(loss)


def test_stages_follow_one_another() -> None:
    root = ET.fromstring(plots.waterfall([("embed", 3.0), ("rank", 1.0)]))
    first, second = (bar for bar in root.iter() if bar.tag.endswith("rect"))
    assert float(first.attrib["x"]) + float(first.attrib["width"]) == pytest.approx(float(second.attrib["x"]), abs=0.02)


def test_a_logarithmic_axis_has_whole_decades() -> None:
    low, high = GROWTH.range([12_000, 900_000])
    assert (low, high) == (1e4, 1e6)
    assert GROWTH.ticks(low, high) == [1e4, 1e5, 1e6]
    assert GROWTH.share(1e5, low, high) == pytest.approx(0.5)


def test_a_linear_axis_has_round_ticks() -> None:
    assert Axis("x").ticks(0.0, 1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Axis("x").range([3.0, 3.0]) == (2.5, 3.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.12345, "0.123"), (12.5, "12.5"), (50_000, "50k"), (1e6, "1M"), (0.00002, "2.0e-05")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert plots.number(value) == text
