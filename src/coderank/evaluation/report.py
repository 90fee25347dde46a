"""What several runs over one data set say: tables, Markdown, and a page with plots. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from coderank.evaluation import page, plots, tables, versus
from coderank.evaluation.judging import MEASURES
from coderank.evaluation.page import Section
from coderank.evaluation.plots import Axis
from coderank.evaluation.tables import Table
from coderank.evaluation.versus import HEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coderank.evaluation.runs import Answer, Run
    from coderank.evaluation.versus import Change, Versus

SHOWN = 8
"""Questions that changed most, shown on either side."""
_WRITTEN = {"ndcg@10": "nDCG@10", "mrr@10": "MRR@10"}
_COMMON = Axis("nDCG@10", low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class Report:
    """Runs over the same questions, and the one that each of the others is compared with, if any."""

    runs: tuple[Run, ...]
    baseline: Run | None = None

    @classmethod
    def of(cls, runs: Sequence[Run], baseline: Run | None = None) -> Report:
        """Name runs by what tells them apart: the model only where there are several, an earlier run by its date."""
        every = [*runs, *([baseline] if baseline else [])]
        several = len({run.model for run in every}) > 1
        named = [replace(run, name=run.name if several else run.way()) for run in every]
        if baseline is None:
            return cls(tuple(named))
        return cls(tuple(named[:-1]), replace(named[-1], name=f"{named[-1].name} of {baseline.date}"))

    @property
    def shown(self) -> tuple[Run, ...]:
        """The runs, and the one that they are compared with."""
        return (*self.runs, *([self.baseline] if self.baseline else []))

    def comparisons(self) -> list[Versus]:
        """Compare every run with the baseline; without one, the first with every other."""
        if self.baseline is not None:
            return [versus.versus(run, self.baseline) for run in self.runs]
        return [versus.versus(self.runs[0], run) for run in self.runs[1:]]

    def tables(self) -> Iterator[Table]:
        """Yield the tables, the most important one first."""
        yield self._measures()
        if comparisons := self.comparisons():
            yield versus.table(comparisons)
        yield from self._groups("category", lambda answer: answer.category)
        yield from self._groups("language", lambda answer: answer.language)
        if len({answer.root for answer in self.runs[0].answers}) > 1:
            yield from self._groups("repository", lambda answer: answer.root)
        yield self._stages()

    def _measures(self) -> Table:
        columns = ("run", *(_WRITTEN.get(measure, measure) for measure in MEASURES))
        rows = [[run.name, *(f"{value:.4f}" for value in run.means().values())] for run in self.shown]
        return Table(f"{self.runs[0].dataset}: {len(self.runs[0].answers):,} questions", columns, rows)

    def _groups(self, what: str, key: Callable[[Answer], str]) -> Iterator[Table]:
        found = [run.grouped(key, HEADLINE) for run in self.shown]
        counts = {name: sum(key(answer) == name for answer in self.runs[0].answers) for name in found[0]}
        if len(counts) > 1:
            rows = [[name, f"{counts[name]:,}", *(f"{one[name]:.4f}" for one in found)] for name in counts]
            yield Table(f"nDCG@10 by {what}", (what, "questions", *(run.name for run in self.shown)), rows)

    def _stages(self) -> Table:
        names = list(dict.fromkeys(name for run in self.shown for name in run.stages))
        rows = [[run.name, *(f"{run.stages[n]:.2f}" if n in run.stages else "–" for n in names)] for run in self.shown]
        return Table("Median milliseconds by stage", ("run", *names), rows)

    def notes(self) -> list[str]:
        """Return what was not as it should be: of every run, then of single ones."""
        every = [note for note in self.runs[0].notes if all(note in run.notes for run in self.runs)]
        return every + [f"{run.name}: {note}" for run in self.runs for note in run.notes if note not in every]

    def facts(self) -> list[tuple[str, str]]:
        """Return what was measured, with what, on what."""
        first = self.runs[0]
        return [
            ("data set", f"{first.dataset}, {len(first.answers):,} questions, {first.digest[:12]}"),
            ("indexed", f"{first.files:,} files, {first.chunks:,} chunks"),
            ("model", ", ".join(dict.fromkeys(run.model for run in self.runs))),
            ("coderank", f"{first.version}, {first.date}"),
            ("machine", first.machine),
        ]

    def json(self) -> str:
        """Render runs, means and differences as one line of JSON; single answers are in the files of the runs."""
        document = {
            "dataset": self.runs[0].dataset,
            "runs": [
                {"name": run.name, "model": run.model, "mode": run.mode, "rerank": run.rerank, "measures": run.means()}
                for run in self.runs
            ],
            "differences": [
                {
                    "run": one.ours.name,
                    "against": one.theirs.name,
                    "better": one.wins,
                    "worse": one.losses,
                    **{name: difference.record() for name, difference in one.differences.items()},
                }
                for one in self.comparisons()
            ],
            "notes": self.notes(),
        }
        return json.dumps(document, ensure_ascii=False)


def markdown(report: Report) -> str:
    """Render a report as Markdown."""
    parts = [f"# Evaluation of {report.runs[0].dataset}"]
    parts += ["\n".join(f"- {name}: {value}" for name, value in report.facts())]
    parts += [f"- **{one.sentence()}**" for one in report.comparisons()]
    parts += [f"> {note}" for note in report.notes()]
    parts += [f"## {one.title}\n\n{tables.markdown(one.columns, one.rows)}" for one in report.tables()]
    return "\n\n".join(parts) + "\n"


def html(report: Report) -> str:
    """Render a report as one page."""
    comparisons = report.comparisons()
    lead = "".join(page.verdict(one.sentence(), good=one.better()) for one in comparisons)
    lead += "".join(page.paragraph(f"Note: {note}") for note in report.notes())
    first, *others = [Section(one.title, (page.table(one),)) for one in report.tables()]
    sections = [
        first,
        Section("Figures", (page.figures(*_figures(report, comparisons)),)),
        *others,
        *(Section(title, parts) for one in comparisons[:1] for title, parts in most_changed(one)),
    ]
    return page.page(f"Evaluation of {report.runs[0].dataset}", lead + page.facts(report.facts()), sections)


def _figures(report: Report, comparisons: Sequence[Versus]) -> Iterator[tuple[str, str]]:
    names = [run.name for run in report.shown]
    for what, key in _KEYS.items():
        groups = [run.grouped(key, HEADLINE) for run in report.shown]
        if len(groups[0]) > 1:
            rows = [(name, [group[name] for group in groups]) for name in groups[0]]
            yield f"nDCG@10 by {what}", plots.bars(rows, names, _COMMON)
    for one in comparisons:
        values = [(change.ours.text, change.gain) for change in one.changes]
        yield (
            f"Gains and losses by question: {one.ours.name} against {one.theirs.name}",
            plots.differences(values, "nDCG@10"),
        )
    for run in report.runs:
        if run.stages:
            yield f"Where the time of a question goes: {run.name}", plots.waterfall(list(run.stages.items()))


_KEYS: dict[str, Callable[[Answer], str]] = {
    "language": lambda answer: answer.language,
    "category": lambda answer: answer.category,
}


def most_changed(one: Versus) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the questions with the largest losses, then with the largest gains, answers side by side."""
    losses = [change for change in reversed(one.changes) if change.gain < 0][:SHOWN]
    gains = [change for change in one.changes if change.gain > 0][:SHOWN]
    for title, found in (("Largest losses", losses), ("Largest gains", gains)):
        if found:
            yield title, tuple(_side_by_side(one, change) for change in found)


def _side_by_side(one: Versus, change: Change) -> str:
    columns = [(run.name, _shown(answer)) for run, answer in ((one.theirs, change.theirs), (one.ours, change.ours))]
    return page.side_by_side(f"{change.ours.text} ({change.ours.root}, {change.gain:+.3f})", columns)


def _shown(answer: Answer) -> list[tuple[str, bool]]:
    return list(zip(answer.found, answer.right, strict=True))
