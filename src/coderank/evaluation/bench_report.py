"""What ``coderank bench`` measured: tables, Markdown, and a page with plots. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coderank.evaluation import page, plots, tables
from coderank.evaluation.metrics import median, quantile
from coderank.evaluation.page import Section
from coderank.evaluation.plots import Axis, Series
from coderank.evaluation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.evaluation.bench import Bench

SHARES = (0.5, 0.95, 0.99)
TOTAL = "total"
_GROWING = ("retrieve", "rank")
"""Stages that have more to do in a larger store."""
_MIB = 2**20


def facts(found: Bench) -> list[tuple[str, str]]:
    """Return what was measured, with what, on what, and how busy that was."""
    load = f"load {_load(found.load_before)} before, {_load(found.load_after)} after"
    return [
        ("tree", f"{found.files:,} files, {found.lines:,} lines, {found.chunks:,} chunks"),
        ("model", found.model),
        ("coderank", f"{found.version}, {found.date}"),
        ("machine", f"{found.machine}; {load}"),
    ]


def _load(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values) or "not known"


def all_tables(found: Bench) -> Iterator[Table]:
    """Yield the tables, in the order a user meets the steps."""
    rows = [
        [
            one.what,
            f"{median(one.seconds):.3f} s",
            f"{min(one.seconds):.3f} s",
            f"{max(one.seconds):.3f} s",
            f"{one.peak_mib:.0f} MiB",
        ]
        for one in found.processes
    ]
    yield Table("Whole processes", ("what", "median", "least", "most", "peak memory"), rows)
    first = median(found.processes[0].seconds)
    rates = [["chunks a second", f"{found.chunks / first:.0f}"], ["lines a second", f"{found.lines / first:.0f}"]]
    rates.append(["index on disk", f"{found.disk_bytes / _MIB:.1f} MiB"])
    yield Table("Indexing from nothing", ("", "measured"), rates)
    rows = [[stage, *(f"{quantile(ms, share):.2f}" for share in SHARES)] for stage, ms in found.stages.items()]
    shares = tuple(f"p{share * 100:.0f}" for share in SHARES)
    yield Table(
        f"A question in a running process, milliseconds, {found.questions:,} questions", ("stage", *shares), rows
    )
    rows = [
        [
            f"{one.chunks:,}",
            *(f"{quantile(one.ms, share):.2f}" for share in SHARES),
            *(f"{median(one.stages[stage]):.2f}" for stage in _GROWING),
            f"{one.disk_bytes / _MIB:,.0f} MiB",
            f"{one.added_mib:,.0f} MiB",
            f"{one.own_mib:,.0f} MiB",
            f"{one.built_s:.1f} s",
            f"{one.compacted_s:.1f} s",
        ]
        for one in found.grown
    ]
    if rows:
        columns = ("chunks", *(f"{share}, ms" for share in shares), *(f"{stage}, p50" for stage in _GROWING))
        columns += ("on disk", "memory", "of that its own", "built in", "of that compacting")
        yield Table("Growth: search and ranking, the question's vector known", columns, rows)
    rows = [
        [one.label, f"{one.recall:.4f}", f"{one.ms:.2f}", f"{one.disk_bytes / _MIB:.1f} MiB"]
        for one in found.compressed
    ]
    title = f"Compression of the vectors: the ten nearest of {found.compressed_chunks:,} chunks"
    yield Table(title, ("compression", "recall@10", "ms, median", "on disk"), rows)
    if found.rivals:
        rows = [
            [one.what, one.name, f"{one.ours_s:.2f} s", f"{one.theirs_s:.2f} s", f"{one.ratio:.2f} ×"]
            for one in found.rivals
        ]
        yield Table("Others in the same run", ("what", "other", "coderank", "the other", "times as long"), rows)


def markdown(found: Bench) -> str:
    """Render everything as Markdown."""
    parts = ["# coderank bench", "\n".join(f"- {name}: {value}" for name, value in facts(found))]
    parts += [f"## {one.title}\n\n{tables.markdown(one.columns, one.rows)}" for one in all_tables(found)]
    return "\n\n".join(parts) + "\n"


def html(found: Bench) -> str:
    """Render everything as one page."""
    sections = [
        Section("Figures", (page.figures(*_figures(found)),)),
        *(Section(one.title, (page.table(one),)) for one in all_tables(found)),
    ]
    return page.page("Time, memory and disk on this machine", page.facts(facts(found)), sections)


def _figures(found: Bench) -> Iterator[tuple[str, str]]:
    stages = [(name, median(ms)) for name, ms in found.stages.items() if name != TOTAL]
    yield "Where the time of a question goes (medians)", plots.waterfall(stages)
    seconds = [(one.what, (median(one.seconds),)) for one in found.processes[1:]]  # beside the first they are nothing
    yield "Whole processes on an index that is there, seconds", plots.bars(seconds, ("median",), Axis("seconds"))
    if found.grown:
        times = [
            Series(f"p{share * 100:.0f}", tuple((float(one.chunks), quantile(one.ms, share)) for one in found.grown))
            for share in SHARES[:2]
        ]
        yield "Growth: milliseconds of a search", plots.lines(times, _CHUNKS, Axis("ms", log=True))
        room = [Series("on disk", tuple((float(one.chunks), one.disk_bytes / _MIB) for one in found.grown))]
        if all(one.added_mib > 0 for one in found.grown):
            room.append(Series("memory", tuple((float(one.chunks), one.added_mib) for one in found.grown)))
        if all(one.own_mib > 0 for one in found.grown):
            room.append(Series("of that its own", tuple((float(one.chunks), one.own_mib) for one in found.grown)))
        yield "Growth: room", plots.lines(room, _CHUNKS, Axis("MiB", log=True))
    points = [Series(one.label, ((one.ms, one.recall),)) for one in found.compressed]
    if points:
        yield (
            "Recall and time of each compression",
            plots.lines(points, Axis("ms", low=0.0), Axis("recall@10", high=1.0)),
        )
    for one in found.rivals:
        rows = [("coderank", (one.ours_s,)), (one.name.split(" ")[0], (one.theirs_s,))]
        yield (
            f"{one.what[0].upper()}{one.what[1:]}, seconds: {one.name}",
            plots.bars(rows, ("seconds",), Axis("seconds")),
        )


_CHUNKS = Axis("chunks", log=True)
