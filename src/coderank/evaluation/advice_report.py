"""Advice on compression for people and programs: a table, a sentence, JSON, and one page with plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coderank.evaluation import machine, page, plots
from coderank.evaluation.advice import CANDIDATES, CUT
from coderank.evaluation.tables import Table

if TYPE_CHECKING:
    from coderank.evaluation.advice import Advice, Trial

_MIB = 2**20
_KINDS = ("none", "turbo", "scalar", "binary")


def table(advice: Advice) -> Table:
    """Every trial, the finest first; memory and disk are those of all points of the collection."""
    rows = [
        (
            ("→ " if trial is advice.chosen else "") + trial.quantization.label,
            f"{trial.recall:.4f}",
            f"{trial.median_ms:.2f} ms",
            f"{trial.slow_ms:.2f} ms",
            f"{trial.sizes.scanned:.0f} B",
            _size(trial.sizes.scanned * advice.points),
            _size(trial.sizes.disk * advice.points),
        )
        for trial in advice.trials
    ]
    columns = (
        "compression",
        f"recall@{CUT}",
        "median",
        "95 %",
        "a vector",
        "in memory",
        "on disk",
    )
    return Table(f"{advice.dimension} numbers a vector, {advice.points:,} vectors in all", columns, rows)


def sentence(advice: Advice) -> str:
    """Say what to take, and what it saves."""
    chosen = advice.chosen
    if chosen is None:
        best = max(advice.trials, key=lambda trial: trial.recall)
        return (
            f"Nothing reaches a recall of {advice.target:g}; the best is {best.quantization.label}, {best.recall:.4f}."
        )
    whole = next(trial for trial in advice.trials if trial.quantization.kind == "none")
    saved = whole.sizes.scanned / chosen.sizes.scanned
    return (
        f"Take {chosen.quantization.label}: recall@{CUT} {chosen.recall:.4f}, {chosen.median_ms:.2f} ms, "
        f"{_size(chosen.sizes.scanned * advice.points)} in memory, {saved:.1f} times less than uncompressed."
    )


def notes(advice: Advice) -> list[str]:
    """Say what the figures rest on, and what could not be had."""
    asked = "questions of yours" if advice.own_queries else "vectors of the collection that were held out"
    found = [
        f"Measured on {advice.vectors:,} of {advice.points:,} vectors with {advice.queries:,} {asked}, "
        f"{CANDIDATES} candidates each, at {advice.engine}",
    ]
    if advice.vectors < advice.points // 2:
        found.append("Recall falls a little as a collection grows: ask for a larger --sample before you cut it fine")
    if not all(trial.sizes.measured for trial in advice.trials):
        found.append("Sizes are computed from the number of bits: a server's files cannot be looked at")
    return found + [f"Not tried: {reason}" for reason in advice.missing]


def record(advice: Advice) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "engine": advice.engine,
        "machine": machine.describe(),
        "target": advice.target,
        "vectors": advice.vectors,
        "points": advice.points,
        "dimension": advice.dimension,
        "queries": advice.queries,
        "own_queries": advice.own_queries,
        "trials": [_trial(trial) for trial in advice.trials],
        "chosen": _trial(advice.chosen) if advice.chosen else None,
        "notes": notes(advice),
    }


def html(advice: Advice, name: str) -> str:
    """One page: the sentence, two plots, the table."""
    memory = plots.Axis("bytes a vector in memory", log=True)
    recall = plots.Axis(f"recall@{CUT}", high=1.0)
    time = plots.Axis("median time of a search, ms", low=0.0)
    plotted = (
        (f"recall@{CUT} by bytes a vector", plots.lines(_series(advice, by_time=False), memory, recall, joined=False)),
        (f"recall@{CUT} by time", plots.lines(_series(advice, by_time=True), time, recall, joined=False)),
    )
    sections = [
        page.Section("What was measured", (page.figures(*plotted), page.table(table(advice)))),
        page.Section("How", tuple(page.paragraph(note, soft=True) for note in [*notes(advice), machine.sentence()])),
    ]
    lead = page.verdict(sentence(advice), good=advice.chosen is not None)
    return page.page(f"Compression of {name}", lead, sections)


def _series(advice: Advice, *, by_time: bool) -> list[plots.Series]:
    found = []
    for kind in _KINDS:
        trials = [trial for trial in advice.trials if trial.quantization.kind == kind]
        points = tuple((trial.median_ms if by_time else trial.sizes.scanned, trial.recall) for trial in trials)
        if points:
            found.append(plots.Series(kind, points, tuple(trial.quantization.label for trial in trials)))
    return found


def _trial(trial: Trial) -> dict[str, Any]:
    used = trial.quantization
    return {
        "compression": used.label,
        "kind": used.kind,
        "bits": used.bits,
        "query_encoding": used.query_encoding,
        "oversampling": used.oversampling,
        "rescore": used.rescore,
        "recall": round(trial.recall, 5),
        "median_ms": round(trial.median_ms, 3),
        "slow_ms": round(trial.slow_ms, 3),
        "bytes_in_memory": round(trial.sizes.scanned, 1),
        "bytes_on_disk": round(trial.sizes.disk, 1),
        "sizes_measured": trial.sizes.measured,
    }


def _size(count: float) -> str:
    if count >= 1024 * _MIB:
        return f"{count / (1024 * _MIB):.1f} GiB"
    return f"{count / _MIB:.1f} MiB"
