"""What a comparison of two engines says: tables, JSON, and a page with plots. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from coderank.evaluation import page, plots
from coderank.evaluation.judging import MEASURES
from coderank.evaluation.page import Section
from coderank.evaluation.plots import Axis
from coderank.evaluation.report import SHOWN, most_changed
from coderank.evaluation.sides import SHARES, Comparison, Side, Verdict
from coderank.evaluation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coderank.evaluation.sides import Pair

_MIB = 2**20
_BINS = 10


def tables(found: Comparison) -> Iterator[Table]:
    """Yield the tables: measures where answers are known, likeness, then cost."""
    sides = ("", found.old.run.name, found.new.run.name)
    if found.judged is not None:
        rows = [
            [
                measure,
                f"{found.judged.theirs.mean(measure):.4f}",
                f"{found.judged.ours.mean(measure):.4f}",
                difference.text(),
            ]
            for measure, difference in found.judged.differences.items()
        ]
        title = f"Quality over {len(found.judged.changes):,} judged questions"
        yield Table(title, (*sides, "difference [95 %]"), rows)
    rows = [[name, f"{value:.3f}"] for name, value in found.likeness().items()]
    yield Table(f"How alike the answers to {len(found.pairs):,} questions are", ("", "mean"), rows)
    costs = zip(_cost(found.old), _cost(found.new), strict=True)
    yield Table("What each side takes", sides, [[name, old, new] for (name, old), (_, new) in costs])


def _cost(side: Side) -> Iterator[tuple[str, str]]:
    yield "model", side.run.model
    yield "chunks", f"{side.run.chunks:,}"
    for share in SHARES:
        yield f"question, p{share * 100:.0f}", f"{side.cost.ms(share):.1f} ms"
    yield "on disk", "not known" if side.cost.disk_bytes is None else f"{side.cost.disk_bytes / _MIB:.1f} MiB"
    yield "peak memory", "not known" if side.cost.peak_mib is None else f"{side.cost.peak_mib:.0f} MiB"


def sentences(found: Comparison, verdict: Verdict | None) -> list[str]:
    """Return what it comes to."""
    said = [found.judged.sentence()] if found.judged is not None else []
    return [*said, *([verdict.text] if verdict else [])]


def places(found: Comparison) -> list[tuple[str, str]]:
    """Say which letter stands for what."""
    return [(side.run.name, side.place) for side in (found.old, found.new) if side.place]


def notes(found: Comparison) -> list[str]:
    """Return what was not as it should be, on either side."""
    return [f"{side.run.name}: {note}" for side in (found.old, found.new) for note in side.run.notes]


def to_json(found: Comparison, verdict: Verdict | None) -> str:
    """Render everything but the answers themselves as one line of JSON."""
    judged = found.judged
    document = {
        "old": _side(found.old),
        "new": _side(found.new),
        "questions": len(found.pairs),
        "likeness": {name: round(value, 4) for name, value in found.likeness().items()},
        "judged": None
        if judged is None
        else {
            "questions": len(judged.changes),
            "better": judged.wins,
            "worse": judged.losses,
            "old": judged.theirs.means(),
            "new": judged.ours.means(),
            "difference": {measure: judged.differences[measure].record() for measure in MEASURES},
        },
        "verdict": None if verdict is None else {"passed": verdict.passed, "text": verdict.text},
        "notes": notes(found),
        "answers": [_pair(pair) for pair in found.pairs],
    }
    return json.dumps(document, ensure_ascii=False)


def _side(side: Side) -> dict[str, object]:
    return {
        "name": side.place or side.run.name,
        "model": side.run.model,
        "mode": side.run.mode,
        "chunks": side.run.chunks,
        "ms": {f"p{share * 100:.0f}": round(side.cost.ms(share), 3) for share in SHARES},
        "stages_ms": side.run.stages,
        "disk_bytes": side.cost.disk_bytes,
        "peak_mib": side.cost.peak_mib and round(side.cost.peak_mib, 1),
    }


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "query": pair.old.text,
        "old": list(pair.old.found),
        "new": list(pair.new.found),
        "likeness": round(pair.likeness, 4),
        "scores": {"old": pair.old.scores, "new": pair.new.scores} if pair.old.scores else None,
    }


def html(found: Comparison, verdict: Verdict | None) -> str:
    """Render a comparison as one page."""
    lead = page.verdict(verdict.text, good=verdict.passed) if verdict else ""
    lead += "".join(page.paragraph(text) for text in sentences(found, None))
    lead += "".join(page.paragraph(f"Note: {note}") for note in notes(found))
    facts = [
        *places(found),
        ("questions", f"{found.old.run.dataset}, {len(found.pairs):,}"),
        ("machine", found.old.run.machine),
    ]
    facts += [("coderank", f"{found.old.run.version}, {found.old.run.date}")]
    sections = [
        Section("Figures", (page.figures(*_figures(found)),)),
        *(Section(one.title, (page.table(one),)) for one in tables(found)),
        *_examples(found),
    ]
    title = " and ".join(side.place or side.run.name for side in (found.old, found.new))
    return page.page(title, lead + page.facts(facts), sections)


def _figures(found: Comparison) -> Iterator[tuple[str, str]]:
    names = [found.old.run.name, found.new.run.name]
    if found.judged is not None:
        old, new = found.judged.theirs.means(), found.judged.ours.means()
        yield "Quality", plots.bars([(name, (old[name], new[name])) for name in old], names, Axis("measure", high=1.0))
        changes = [(change.ours.text, change.gain) for change in found.judged.changes]
        yield "Gains and losses of nDCG@10 by question", plots.differences(changes, "nDCG@10")
    counts = [0] * _BINS
    for pair in found.pairs:
        counts[min(_BINS - 1, int(pair.likeness * _BINS))] += 1
    rows = [(f"{n / _BINS:.1f} to {(n + 1) / _BINS:.1f}", (float(count),)) for n, count in enumerate(counts)]
    yield (
        "Questions by the likeness of their answers (rank-biased overlap of files)",
        plots.bars(rows, ("questions",), Axis("questions")),
    )
    for side in (found.old, found.new):
        if side.run.stages:
            yield f"Where the time of a question goes: {side.run.name}", plots.waterfall(list(side.run.stages.items()))


def _examples(found: Comparison) -> Iterator[Section]:
    if found.judged is not None:
        yield from (Section(title, parts) for title, parts in most_changed(found.judged))
    changed = [pair for pair in found.pairs if pair.likeness < 1][:SHOWN]
    if changed:
        parts = (_side_by_side(found, pair) for pair in changed)
        yield Section("Answers that changed most", tuple(parts))


def _side_by_side(found: Comparison, pair: Pair) -> str:
    columns = [
        (side.run.name, list(zip(answer.found, answer.right, strict=True)))
        for side, answer in ((found.old, pair.old), (found.new, pair.new))
    ]
    return page.side_by_side(f"{pair.old.text} (likeness {pair.likeness:.2f})", columns)
